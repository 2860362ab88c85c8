// Puts the input of a step and its numbers where the graph of the step reads them.

struct Values {
  int v[64];
};

extern "C" __global__ void prepare(int* to, const int* from, int count, Values values) {
  for (int i = threadIdx.x; i < count; i += blockDim.x) to[i] = from[i];
  if (threadIdx.x < 64) to[count + threadIdx.x] = values.v[threadIdx.x];
}
