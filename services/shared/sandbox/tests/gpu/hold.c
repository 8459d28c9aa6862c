/* hold MIB MS: takes that much memory of the first GPU for so long, and says when by the wall clock. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void *driver;

static void say(const char *what) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    printf("%s %lld\n", what, now.tv_sec * 1000LL + now.tv_nsec / 1000000);
    fflush(stdout);
}

static void *of(const char *name) {
    void *found = dlsym(driver, name);
    if (!found) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    return found;
}

#define CALL(name, types, ...) \
    do { \
        int code = ((int(*) types)of(name))(__VA_ARGS__); \
        if (code) { \
            fprintf(stderr, "%s: %d\n", name, code); \
            return 1; \
        } \
    } while (0)

int main(int count, char **args) {
    if (count != 3) {
        fprintf(stderr, "hold MIB MS\n");
        return 2;
    }
    size_t bytes = strtoull(args[1], 0, 10) << 20;
    long long ms = strtoll(args[2], 0, 10);
    if (!(driver = dlopen("libcuda.so.1", RTLD_NOW))) {
        fprintf(stderr, "%s\n", dlerror());
        return 2;
    }
    int device = 0, devices = 0;
    void *context = 0;
    unsigned long long memory = 0;
    CALL("cuInit", (unsigned), 0);
    CALL("cuDeviceGetCount", (int *), &devices);
    printf("devices %d\n", devices);
    CALL("cuDeviceGet", (int *, int), &device, 0);
    CALL("cuDevicePrimaryCtxRetain", (void **, int), &context, device);
    CALL("cuCtxSetCurrent", (void *), context);
    say("context");
    CALL("cuMemAlloc_v2", (unsigned long long *, size_t), &memory, bytes);
    CALL("cuMemsetD8_v2", (unsigned long long, unsigned char, size_t), memory, 1, bytes);
    CALL("cuCtxSynchronize", (void));
    say("held");
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&pause, 0);
    say("ends");
    return 0;
}
