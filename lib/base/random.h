/*
 * lib/base/random.h - unpredictable bytes from the kernel (getrandom: works in a chroot).
 */
#ifndef POSTHORN_LIB_BASE_RANDOM_H
#define POSTHORN_LIB_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

void random_bytes(void *buf, size_t len);
uint64_t random_u64(void);
/* `len` characters of [0-9A-Za-z] and a NUL into out[len + 1]. */
void random_name(char *out, size_t len);

#endif
