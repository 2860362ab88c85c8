//! The operations of `linalg.h`.

use crate::{Array, Axes};

ops! {
    cholesky(a: &Array, upper: bool) = mlx_linalg_cholesky;
    cholesky_inv(a: &Array, upper: bool) = mlx_linalg_cholesky_inv;
    cross(a: &Array, b: &Array, axis: i32) = mlx_linalg_cross;
    det(a: &Array) = mlx_linalg_det;
    eigvals(a: &Array) = mlx_linalg_eigvals;
    eigvalsh(a: &Array, triangle: &str) = mlx_linalg_eigvalsh;
    inv(a: &Array) = mlx_linalg_inv;
    norm(a: &Array, ord: Option<f64>, axes: &Axes, keepdims: bool) = mlx_linalg_norm;
    norm_named(a: &Array, ord: &str, axes: &Axes, keepdims: bool) = mlx_linalg_norm_named;
    pinv(a: &Array) = mlx_linalg_pinv;
    solve(a: &Array, b: &Array) = mlx_linalg_solve;
    solve_triangular(a: &Array, b: &Array, upper: bool) = mlx_linalg_solve_triangular;
    tri_inv(a: &Array, upper: bool) = mlx_linalg_tri_inv;
}

ops_with_two_outputs! {
    eig(a: &Array) = mlx_linalg_eig;
    eigh(a: &Array, triangle: &str) = mlx_linalg_eigh;
    lu_factor(a: &Array) = mlx_linalg_lu_factor;
    qr(a: &Array) = mlx_linalg_qr;
    slogdet(a: &Array) = mlx_linalg_slogdet;
}

ops_with_many_outputs! {
    lu(a: &Array) = mlx_linalg_lu;
    svd(a: &Array, vectors: bool) = mlx_linalg_svd;
}
