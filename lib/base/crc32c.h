/*
 * lib/base/crc32c.h - CRC-32C (Castagnoli; RFC 3720 appendix B.4), for records on disk.
 */
#ifndef POSTHORN_LIB_BASE_CRC32C_H
#define POSTHORN_LIB_BASE_CRC32C_H

#include <stdint.h>

#include "lib/base/slice.h"

/* `crc` is 0 for the first part, the last result for the next one. */
uint32_t crc32c(uint32_t crc, struct slice data);

#endif
