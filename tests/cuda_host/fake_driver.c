/* SPDX-License-Identifier: Apache-2.0
   A libcuda.so.1 for tests of the real plugin on machines without one: FAKE_DRIVER_VERSION is what
   it says of itself, and it has no device. Without the version it has no functions at all. */
#ifdef FAKE_DRIVER_VERSION
enum { kNotInitialized = 3, kNoDevice = 100 };
int cuDriverGetVersion(int* version) {
  *version = FAKE_DRIVER_VERSION;
  return 0;
}
int cuInit(unsigned flags) {
  (void)flags;
  return kNoDevice;
}
int cuGetProcAddress_v2(const char* symbol, void** function, int version, unsigned long long flags,
                        void* status) {
  (void)symbol;
  (void)version;
  (void)flags;
  (void)status;
  *function = 0;
  return kNotInitialized;
}
#else
int fake_driver_without_functions;
#endif
