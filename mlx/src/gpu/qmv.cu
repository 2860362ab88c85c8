mlx_rs::qmv<T, BITS, GROUP, M, R, NORM, SWIGLU, RESIDUAL>(x, reinterpret_cast<const uint4*>(w), scales, biases, NORM_WEIGHT,
                                                          RESIDUAL_VALUE, y, __int_as_float(EPS), w_shape[0],
                                                          w_shape[1] * (32 / BITS));
