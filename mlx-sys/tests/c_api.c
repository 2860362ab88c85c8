// A C11 program over the C API: it needs `mlx_capi.h` and the library, and nothing of MLX or C++.
#define _POSIX_C_SOURCE 200809L

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mlx_capi.h"

static int failures = 0;

static void check(bool ok, const char* what, int line) {
  if (ok) return;
  const char* text;
  size_t size;
  mlx_error_message(&text, &size);
  fprintf(stderr, "c_api.c:%d: %s\n  last message: %.*s\n", line, what, (int)size, text);
  ++failures;
}

#define CHECK(condition) check((condition), #condition, __LINE__)
#define OK(call) check((call) == MLX_OK, #call, __LINE__)

/// Whether the call failed with the status and a message that contains `text`.
static bool failed(int status, int expected, const char* text) {
  const char* data;
  size_t size;
  mlx_error_message(&data, &size);
  char* message = calloc(size + 1, 1);
  memcpy(message, data, size);
  bool found = strstr(message, text) != NULL;
  free(message);
  return status == expected && found;
}

#define FAILS(call, expected, text) check(failed((call), (expected), (text)), #call, __LINE__)

static const mlx_device cpu = {0, 0};
static mlx_stream s;
static const mlx_array none = {{NULL, NULL}};

static mlx_string str(const char* text) { return (mlx_string){text, strlen(text)}; }
static mlx_ints ints(const int* data, size_t size) { return (mlx_ints){data, size}; }
#define INTS(...) ints((const int[]){__VA_ARGS__}, sizeof((const int[]){__VA_ARGS__}) / sizeof(int))

static mlx_array floats(const float* data, mlx_ints shape) {
  mlx_array a;
  OK(mlx_array_new_data(&a, data, shape, MLX_FLOAT32));
  return a;
}

static int eval(mlx_array a) { return mlx_eval((mlx_arrays){&a, 1}); }

/// Evaluates an array and compares its elements.
static bool equals(mlx_array a, const float* expected, size_t size) {
  const void* data;
  if (mlx_array_size(a) != size || eval(a) != MLX_OK || mlx_array_data(&data, a) != MLX_OK) return false;
  for (size_t i = 0; i < size; ++i) {
    if (fabsf(((const float*)data)[i] - expected[i]) > 1e-6f) return false;
  }
  return true;
}

#define EQUALS(a, ...) \
  CHECK(equals((a), (const float[]){__VA_ARGS__}, sizeof((const float[]){__VA_ARGS__}) / sizeof(float)))

static void arrays_and_operations(void) {
  mlx_array a = floats((const float[]){1, 2, 3, 4, 5, 6}, INTS(2, 3));
  mlx_array b, sum, total, text_of;
  OK(mlx_array_new_float(&b, 10.0, MLX_FLOAT32));
  OK(mlx_add(&sum, a, b, s));
  CHECK(mlx_array_status(sum) == MLX_UNSCHEDULED);
  CHECK(mlx_array_has_primitive(sum) && !mlx_array_has_primitive(a));
  CHECK(mlx_array_ndim(sum) == 2 && mlx_array_shape(sum)[0] == 2 && mlx_array_shape(sum)[1] == 3);
  mlx_string name;
  OK(mlx_array_primitive_name(&name, sum));
  CHECK(name.size == 3 && memcmp(name.data, "Add", 3) == 0);
  mlx_array_vector inputs;
  OK(mlx_array_inputs(&inputs, sum));
  CHECK(mlx_array_vector_size(inputs) == 2);
  mlx_array_vector_free(inputs);

  EQUALS(sum, 11, 12, 13, 14, 15, 16);
  CHECK(mlx_array_status(sum) == MLX_AVAILABLE);
  CHECK(mlx_array_nbytes(sum) == 24 && mlx_array_itemsize(sum) == 4 && mlx_array_dtype(sum) == MLX_FLOAT32);
  CHECK(mlx_array_row_contiguous(sum) && mlx_array_strides(sum)[0] == 3 && mlx_array_strides(sum)[1] == 1);
  FAILS(mlx_array_primitive_name(&name, sum), MLX_INVALID_ARGUMENT, "not the result of an operation");

  OK(mlx_sum(&total, a, (mlx_axes){NULL, 0}, false, s));
  EQUALS(total, 21);
  mlx_array_free(total);
  OK(mlx_sum(&total, a, (mlx_axes){(const int[]){1}, 1}, true, s));
  CHECK(mlx_array_ndim(total) == 2);
  EQUALS(total, 6, 15);

  mlx_array shared;
  OK(mlx_array_share(&shared, sum));
  CHECK(mlx_array_id(shared) != mlx_array_id(sum));
  const void *data, *shared_data;
  OK(mlx_array_data(&data, sum));
  OK(mlx_array_data(&shared_data, shared));
  CHECK(data == shared_data);

  mlx_owned_string text;
  OK(mlx_array_to_string(&text, total));
  CHECK(text.size > 5 && memcmp(text.data, "array(", 6) == 0);
  mlx_owned_string_free(text);

  OK(mlx_array_clone(&text_of, a));
  CHECK(mlx_array_id(text_of) == mlx_array_id(a));

  mlx_array_free(text_of);
  mlx_array_free(shared);
  mlx_array_free(total);
  mlx_array_free(sum);
  mlx_array_free(b);
  mlx_array_free(a);
  mlx_array_free(none);
}

static void scalars(void) {
  for (mlx_dtype dtype = MLX_BOOL; dtype <= MLX_COMPLEX64; ++dtype) {
    mlx_array from_int, from_float, as_float;
    OK(mlx_array_new_int(&from_int, 1, dtype));
    OK(mlx_array_new_float(&from_float, 1.0, dtype));
    CHECK(mlx_array_dtype(from_int) == dtype && mlx_array_dtype(from_float) == dtype);
    CHECK(mlx_array_ndim(from_int) == 0 && mlx_array_size(from_int) == 1);
    size_t size;
    OK(mlx_size_of(&size, dtype));
    CHECK(mlx_array_nbytes(from_int) == size);
    OK(mlx_astype(&as_float, from_int, MLX_FLOAT32, s));
    EQUALS(as_float, 1);
    mlx_array_free(as_float);
    mlx_array_free(from_float);
    mlx_array_free(from_int);
  }
}

static void lists(void) {
  mlx_array a = floats((const float[]){1, 2, 3, 4}, INTS(4));
  mlx_array_vector parts;
  OK(mlx_split_sections(&parts, a, INTS(1), 0, s));
  CHECK(mlx_array_vector_size(parts) == 2);
  mlx_array second, again;
  OK(mlx_array_vector_take(&second, parts, 1));
  EQUALS(second, 2, 3, 4);
  FAILS(mlx_array_vector_take(&again, parts, 1), MLX_INVALID_ARGUMENT, "taken before");
  FAILS(mlx_array_vector_take(&again, parts, 2), MLX_OUT_OF_RANGE, "no array 2 in a list of 2");
  mlx_array_free(second);
  mlx_array_vector_free(parts);
  mlx_array_vector_free((mlx_array_vector){NULL});
  mlx_array_free(a);
}

static void errors(void) {
  mlx_array a = floats((const float[]){1, 2}, INTS(2)), b = floats((const float[]){1, 2, 3}, INTS(3)), out;
  FAILS(mlx_add(&out, a, b, s), MLX_INVALID_ARGUMENT, "cannot be broadcast");
  FAILS(mlx_add(&out, a, none, s), MLX_INVALID_ARGUMENT, "null array");
  FAILS(mlx_astype(&out, a, 99, s), MLX_INVALID_ARGUMENT, "99");
  FAILS(mlx_add(&out, a, a, (mlx_stream){0, {7, 0}}), MLX_INVALID_ARGUMENT, "device type");

  const int huge[] = {1 << 30, 1 << 30, 1};
  FAILS(mlx_array_new_data(&out, NULL, ints(huge, 3), MLX_FLOAT32), MLX_BAD_ALLOC, "memory");
  FAILS(mlx_array_new_data(&out, NULL, INTS(1 << 30, 1 << 30, 1 << 30), MLX_FLOAT32), MLX_INVALID_ARGUMENT,
        "bytes");
  FAILS(mlx_array_new_data(&out, NULL, INTS(-1), MLX_FLOAT32), MLX_INVALID_ARGUMENT, "negative");

  // A message is text, never a format.
  mlx_safetensors file;
  FAILS(mlx_load_safetensors(&file, str("%s%s%n"), s), MLX_RUNTIME, "%s%s%n");
  FAILS(mlx_load(&out, str("100%d %p"), s), MLX_RUNTIME, "100%d %p");

  const void* data;
  mlx_array sum;
  OK(mlx_add(&sum, a, a, s));
  FAILS(mlx_array_data(&data, sum), MLX_INVALID_ARGUMENT, "not been evaluated");
  FAILS(mlx_array_wait(sum), MLX_INVALID_ARGUMENT, "not been evaluated");
  FAILS(mlx_array_share(&out, sum), MLX_INVALID_ARGUMENT, "not been evaluated");
  mlx_array_free(sum);
  mlx_array_free(b);
  mlx_array_free(a);
}

/// After a failed evaluation (here of the inverse of a singular matrix) MLX itself would call the results
/// evaluated; reading them must fail.
static void failed_evaluation(void) {
  mlx_array a = floats((const float[]){1, 2, 2, 4}, INTS(2, 2)), inverse, good, sum;
  OK(mlx_add(&good, a, a, s));
  OK(eval(good));
  OK(mlx_linalg_inv(&inverse, a, s));
  OK(mlx_add(&sum, inverse, a, s));
  mlx_array together[] = {good, sum, inverse};
  FAILS(mlx_eval((mlx_arrays){together, 3}), MLX_RUNTIME, "Inverse");
  const void* data;
  for (int i = 1; i < 3; ++i) {
    CHECK(mlx_array_status(together[i]) == MLX_UNSCHEDULED);
    CHECK(mlx_array_data(&data, together[i]) != MLX_OK);
    CHECK(eval(together[i]) != MLX_OK);
    CHECK(mlx_array_data(&data, together[i]) != MLX_OK);
  }
  EQUALS(good, 2, 4, 4, 8);
  mlx_array_free(sum);
  mlx_array_free(inverse);
  mlx_array_free(good);
  mlx_array_free(a);
}

/// The same when the failure comes up only after another array of the pipeline has been waited for.
static void failed_asynchronous_evaluation(void) {
  mlx_array a = floats((const float[]){1, 2, 2, 4}, INTS(2, 2)), first, inverse, kept, last;
  OK(mlx_add(&first, a, a, s));
  OK(mlx_async_eval((mlx_arrays){&first, 1}));
  OK(mlx_linalg_inv(&inverse, a, s));
  OK(mlx_add(&kept, inverse, a, s));
  OK(mlx_add(&last, kept, a, s));
  int status = mlx_async_eval((mlx_arrays){&last, 1});
  int status_of_first = mlx_array_wait(first);
  int status_of_last = eval(last);
  CHECK(status == MLX_RUNTIME || status_of_first == MLX_RUNTIME || status_of_last == MLX_RUNTIME);
  const void* data;
  CHECK(mlx_array_data(&data, kept) != MLX_OK);
  CHECK(mlx_array_data(&data, last) != MLX_OK);
  mlx_array_free(last);
  mlx_array_free(kept);
  mlx_array_free(inverse);
  mlx_array_free(first);
  mlx_array_free(a);
}

/// A directory for this run's files.
static char directory[] = "/tmp/mlx-c-api-XXXXXX";

static mlx_string path_of(char* buffer, size_t size, const char* name) {
  snprintf(buffer, size, "%s/%s", directory, name);
  return str(buffer);
}

static void files(void) {
  char buffer[256];
  mlx_string path = path_of(buffer, sizeof buffer, "two.safetensors");
  mlx_array arrays[] = {floats((const float[]){1, 2, 3}, INTS(3)), floats((const float[]){4}, INTS(1))};
  mlx_string names[] = {str("b"), str("a")}, keys[] = {str("format")}, values[] = {str("mlx")};
  FAILS(mlx_save_safetensors(path, (mlx_strings){names, 1}, (mlx_arrays){arrays, 2}, (mlx_strings){NULL, 0},
                             (mlx_strings){NULL, 0}),
        MLX_INVALID_ARGUMENT, "1 names were given for 2 arrays");
  OK(mlx_save_safetensors(path, (mlx_strings){names, 2}, (mlx_arrays){arrays, 2}, (mlx_strings){keys, 1},
                          (mlx_strings){values, 1}));

  mlx_safetensors file;
  OK(mlx_load_safetensors(&file, path, s));
  CHECK(mlx_safetensors_size(file) == 2 && mlx_safetensors_metadata_size(file) == 1);
  mlx_string key, value;
  OK(mlx_safetensors_name(&key, file, 0));
  CHECK(key.size == 1 && key.data[0] == 'a');
  OK(mlx_safetensors_metadata(&key, &value, file, 0));
  CHECK(value.size == 3 && memcmp(value.data, "mlx", 3) == 0);
  CHECK(mlx_safetensors_name(&key, file, 2) == MLX_OUT_OF_RANGE);
  mlx_array first, second;
  OK(mlx_safetensors_take(&first, file, 0));
  OK(mlx_safetensors_take(&second, file, 1));
  mlx_safetensors_free(file);
  EQUALS(first, 4);

  // The file shrinks before the second array is read.
  CHECK(truncate(buffer, 100) == 0);
  CHECK(eval(second) == MLX_RUNTIME);
  const void* data;
  CHECK(mlx_array_data(&data, second) != MLX_OK);
  CHECK(unlink(buffer) == 0);

  path = path_of(buffer, sizeof buffer, "one.npy");
  mlx_array loaded;
  OK(mlx_save(path, arrays[0]));
  OK(mlx_load(&loaded, path, s));
  EQUALS(loaded, 1, 2, 3);
  CHECK(unlink(buffer) == 0);
  mlx_array_free(loaded);
  mlx_array_free(second);
  mlx_array_free(first);
  mlx_array_free(arrays[1]);
  mlx_array_free(arrays[0]);
}

// Callbacks count their calls and drops in their context.
typedef struct counts {
  int calls;
  int drops;
} counts;

static void drop(void* ctx) { ++((counts*)ctx)->drops; }

/// The sum of the squares of the first input.
static int sum_of_squares(void* ctx, mlx_arrays in, mlx_array_vector* out) {
  ++((counts*)ctx)->calls;
  mlx_array square, sum;
  if (mlx_square(&square, in.data[0], s) != MLX_OK) return 1;
  int status = mlx_sum(&sum, square, (mlx_axes){NULL, 0}, false, s);
  mlx_array_free(square);
  if (status != MLX_OK) return 1;
  status = mlx_array_vector_new_from(out, (mlx_arrays){&sum, 1});
  mlx_array_free(sum);
  return status;
}

static int fail(void* ctx, mlx_arrays in, mlx_array_vector* out) {
  (void)in, (void)out;
  ++((counts*)ctx)->calls;
  return 1;
}

static int forget_output(void* ctx, mlx_arrays in, mlx_array_vector* out) {
  (void)in, (void)out;
  ++((counts*)ctx)->calls;
  return 0;
}

/// A gradient of its own for `sum_of_squares`: ten times each input.
static int ten_times(void* ctx, mlx_arrays primals, mlx_arrays cotangents, mlx_arrays outputs,
                     mlx_array_vector* out) {
  ++((counts*)ctx)->calls;
  CHECK(primals.size == 1 && cotangents.size == 1 && outputs.size == 1);
  mlx_array ten, product;
  OK(mlx_array_new_float(&ten, 10.0, MLX_FLOAT32));
  OK(mlx_multiply(&product, primals.data[0], ten, s));
  int status = mlx_array_vector_new_from(out, (mlx_arrays){&product, 1});
  mlx_array_free(product);
  mlx_array_free(ten);
  return status;
}

static mlx_array only(mlx_array_vector v) {
  mlx_array a;
  CHECK(mlx_array_vector_size(v) == 1);
  OK(mlx_array_vector_take(&a, v, 0));
  mlx_array_vector_free(v);
  return a;
}

static void gradients(void) {
  mlx_array x = floats((const float[]){1, 2, 3}, INTS(3));
  mlx_array_vector values, grads;
  counts c = {0, 0};
  mlx_closure f = {&c, sum_of_squares, drop};
  OK(mlx_value_and_grad(&values, &grads, f, (mlx_arrays){&x, 1}, INTS(0)));
  mlx_array value = only(values), grad = only(grads);
  EQUALS(value, 14);
  EQUALS(grad, 2, 4, 6);
  CHECK(c.calls == 1 && c.drops == 1);
  mlx_array_free(value);
  mlx_array_free(grad);

  // A failing callback, one that returns nothing, and arguments that never reach the callback.
  c = (counts){0, 0};
  mlx_closure bad = {&c, fail, drop};
  FAILS(mlx_value_and_grad(&values, &grads, bad, (mlx_arrays){&x, 1}, INTS(0)), MLX_CALLBACK, "callback");
  CHECK(c.calls == 1 && c.drops == 1);
  bad.call = forget_output;
  FAILS(mlx_vjp(&values, &grads, bad, (mlx_arrays){&x, 1}, (mlx_arrays){NULL, 0}), MLX_RUNTIME,
        "without setting");
  CHECK(c.calls == 2 && c.drops == 2);
  FAILS(mlx_value_and_grad(&values, &grads, bad, (mlx_arrays){&none, 1}, INTS(0)), MLX_INVALID_ARGUMENT,
        "null");
  CHECK(c.calls == 2 && c.drops == 3);

  // jvp and vmap.
  c = (counts){0, 0};
  OK(mlx_jvp(&values, &grads, f, (mlx_arrays){&x, 1}, (mlx_arrays){&x, 1}));
  value = only(values), grad = only(grads);
  EQUALS(grad, 28);
  mlx_array_free(value);
  mlx_array_free(grad);
  mlx_array rows = floats((const float[]){1, 2, 3, 4}, INTS(2, 2));
  OK(mlx_vmap(&values, f, (mlx_arrays){&rows, 1}, INTS(1), INTS(0)));
  value = only(values);
  EQUALS(value, 10, 20);
  CHECK(c.calls == 2 && c.drops == 2);
  mlx_array_free(value);
  mlx_array_free(rows);
  mlx_array_free(x);
}

static void functions(void) {
  mlx_array x = floats((const float[]){1, 2, 3}, INTS(3)), y;
  mlx_array_vector out, grads;
  mlx_function fun;

  // A gradient of one's own is what differentiation of the function uses.
  counts c = {0, 0}, v = {0, 0};
  OK(mlx_custom_function(&fun, (mlx_closure){&c, sum_of_squares, drop},
                         (mlx_closure_vjp){&v, ten_times, drop}, (mlx_closure_jvp){NULL, NULL, NULL},
                         (mlx_closure_vmap){NULL, NULL, NULL}));
  OK(mlx_function_call(&out, fun, (mlx_arrays){&x, 1}));
  y = only(out);
  EQUALS(y, 14);
  mlx_array_free(y);
  CHECK(c.drops == 0 && v.drops == 0 && v.calls == 0);
  mlx_function_free(fun);
  CHECK(c.drops == 1 && v.drops == 1);

  // A compiled function is traced once per shape.
  c = (counts){0, 0};
  OK(mlx_compile(&fun, (mlx_closure){&c, sum_of_squares, drop}, false));
  OK(mlx_function_call(&out, fun, (mlx_arrays){&x, 1}));
  mlx_array_free(only(out));
  OK(mlx_function_call(&out, fun, (mlx_arrays){&x, 1}));
  y = only(out);
  EQUALS(y, 14);
  mlx_array_free(y);
  CHECK(c.calls == 1 || c.calls == 2);  // Twice when there is no compiler for CPU kernels.
  mlx_function_free(fun);
  CHECK(c.drops == 1);

  // A checkpointed one is called again for its gradient.
  c = (counts){0, 0};
  OK(mlx_checkpoint(&fun, (mlx_closure){&c, sum_of_squares, drop}));
  OK(mlx_function_call(&out, fun, (mlx_arrays){&x, 1}));
  mlx_array_vector_free(out);
  mlx_function_free(fun);
  CHECK(c.drops == 1);
  mlx_function_free((mlx_function){NULL});
  (void)grads;
  mlx_array_free(x);
}

/// The gradient of a function made by MLX, called within a callback.
static int call_function(void* ctx, mlx_arrays in, mlx_array_vector* out) {
  return mlx_function_call(out, *(mlx_function*)ctx, in);
}

static void custom_gradient(void) {
  mlx_array x = floats((const float[]){1, 2, 3}, INTS(3));
  counts c = {0, 0}, v = {0, 0};
  mlx_function fun;
  mlx_array_vector values, grads;
  OK(mlx_custom_function(&fun, (mlx_closure){&c, sum_of_squares, drop},
                         (mlx_closure_vjp){&v, ten_times, drop}, (mlx_closure_jvp){NULL, NULL, NULL},
                         (mlx_closure_vmap){NULL, NULL, NULL}));
  OK(mlx_value_and_grad(&values, &grads, (mlx_closure){&fun, call_function, NULL}, (mlx_arrays){&x, 1},
                        INTS(0)));
  mlx_array value = only(values), grad = only(grads);
  EQUALS(grad, 10, 20, 30);
  CHECK(v.calls == 1);
  mlx_array_free(value);
  mlx_array_free(grad);
  mlx_function_free(fun);
  mlx_array_free(x);
  CHECK(c.drops == 1 && v.drops == 1);
}

/// A compiled kernel on the CPU is written to TMPDIR; a directory that cannot be made is an error of kind
/// IO.
static int add_and_exp(void* ctx, mlx_arrays in, mlx_array_vector* out) {
  (void)ctx;
  mlx_array sum, e;
  OK(mlx_add(&sum, in.data[0], in.data[0], s));
  OK(mlx_exp(&e, sum, s));
  int status = mlx_array_vector_new_from(out, (mlx_arrays){&e, 1});
  mlx_array_free(e);
  mlx_array_free(sum);
  return status;
}

static int twice(void* ctx, const mlx_array_view* in, size_t in_count, mlx_array_view* out,
                 size_t out_count) {
  CHECK(ctx && in_count == 1 && out_count == 1 && in[0].row_contiguous && !out[0].has_values);
  for (size_t i = 0; i < in[0].size; ++i) ((float*)out[0].data)[i] = 2 * ((float*)in[0].data)[i];
  return 0;
}

static int no_compute(void* ctx, const mlx_array_view* in, size_t in_count, mlx_array_view* out,
                      size_t out_count) {
  (void)ctx, (void)in, (void)in_count, (void)out, (void)out_count;
  return mlx_callback_failed(str("no %s today")), 1;
}

/// Records an operation that is computed by `compute` from the transposed matrix `a`.
static mlx_array record(counts* calls, mlx_compute compute, mlx_array a) {
  mlx_array transposed, result;
  mlx_array_vector results;
  OK(mlx_matrix_transpose(&transposed, a, s));
  mlx_operation operation = {calls, str("twice"), false, 0, compute, NULL, NULL, NULL, NULL, drop};
  mlx_spec spec = {INTS(3, 2), MLX_FLOAT32};
  OK(mlx_operation_record(&results, operation, (mlx_arrays){&transposed, 1}, (mlx_specs){&spec, 1}, s));
  OK(mlx_array_vector_take(&result, results, 0));
  mlx_array_vector_free(results);
  mlx_array_free(transposed);
  return result;
}

static void operations(void) {
  counts calls = {0};
  mlx_array a = floats((const float[]){1, 2, 3, 4, 5, 6}, INTS(2, 3));
  mlx_array y = record(&calls, twice, a), failing = record(&calls, no_compute, a);
  EQUALS(y, 2, 8, 4, 10, 6, 12);
  FAILS(eval(failing), MLX_CALLBACK, "no %s today");
  mlx_array_free(failing);
  mlx_array_free(y);
  mlx_array_free(a);
  OK(mlx_synchronize(s));
  CHECK(calls.drops == 2);
}

static void file_system_error(void) {
  if (system("g++ --version > /dev/null 2>&1") != 0) return;  // MLX does not compile kernels then.
  CHECK(setenv("TMPDIR", "/dev/null", 1) == 0);
  mlx_array x = floats((const float[]){1, 2, 3}, INTS(3));
  mlx_function fun;
  mlx_array_vector out;
  OK(mlx_compile(&fun, (mlx_closure){NULL, add_and_exp, NULL}, false));
  OK(mlx_function_call(&out, fun, (mlx_arrays){&x, 1}));
  mlx_array y = only(out);
  FAILS(eval(y), MLX_IO, "directory");
  mlx_array_free(y);
  mlx_function_free(fun);
  mlx_array_free(x);
}

static void devices(void) {
  mlx_info info;
  OK(mlx_device_info(&info, cpu));
  CHECK(mlx_info_size(info) >= 2);
  mlx_string name;
  mlx_info_value value;
  OK(mlx_info_get(&name, &value, info, 0));
  CHECK(name.size == strlen("architecture") && memcmp(name.data, "architecture", name.size) == 0);
  CHECK(!value.is_number && value.text.size > 0);
  CHECK(mlx_info_get(&name, &value, info, 1000) == MLX_OUT_OF_RANGE);
  mlx_info_free(info);

  bool cuda;
  OK(mlx_cuda_is_available(&cuda));
  if (!cuda) FAILS(mlx_cuda_device_info(&info, 0), MLX_RUNTIME, "no CUDA");
  bool metal;
  OK(mlx_metal_is_available(&metal));
  if (!metal) FAILS(mlx_metal_device_info(&info), MLX_RUNTIME, "no Metal");

  mlx_stream streams[1];
  size_t count;
  OK(mlx_get_streams(&count, streams, 1));
  CHECK(count >= 1);
  mlx_string version;
  OK(mlx_version(&version));
  CHECK(version.size >= 5);
  OK(mlx_capi_check_version());
}

static void types(void) {
  mlx_dtype dtype;
  OK(mlx_promote_types(&dtype, MLX_BFLOAT16, MLX_FLOAT16));
  CHECK(dtype == MLX_FLOAT32);
  bool is;
  OK(mlx_issubdtype_category(&is, MLX_BFLOAT16, MLX_FLOATING));
  CHECK(is);
  OK(mlx_issubdtype_category(&is, MLX_INT8, MLX_UNSIGNEDINTEGER));
  CHECK(!is);
  mlx_float_info f;
  OK(mlx_finfo(&f, MLX_FLOAT32));
  CHECK(f.bits == 32 && f.eps > 1.1e-7 && f.eps < 1.2e-7);
  mlx_int_info i;
  OK(mlx_iinfo(&i, MLX_UINT64));
  CHECK(i.min == 0 && i.max == UINT64_MAX);
  mlx_int_vector shape;
  OK(mlx_broadcast_shapes(&shape, INTS(3, 1), INTS(2)));
  CHECK(shape.size == 2 && shape.data[0] == 3 && shape.data[1] == 2);
  mlx_int_vector_free(shape);
}

int main(void) {
  const char* text;
  size_t size;
  mlx_error_message(&text, &size);
  CHECK(size == 0);
  CHECK(mkdtemp(directory) != NULL);
  OK(mlx_set_default_device(cpu));
  OK(mlx_default_stream(&s, cpu));

  arrays_and_operations();
  scalars();
  lists();
  errors();
  failed_evaluation();
  for (int i = 0; i < 100; ++i) failed_asynchronous_evaluation();
  files();
  gradients();
  functions();
  custom_gradient();
  operations();
  devices();
  types();
  file_system_error();

  OK(mlx_synchronize(s));
  OK(mlx_clear_streams());
  CHECK(rmdir(directory) == 0);
  if (failures == 0) puts("ok");
  return failures != 0;
}
