/*
 * fuzz/fuzz_cache.c - posthorn.cache as another left it: what does not check out is not there, and
 * what is put in afterwards is.
 *
 * Input: the file, whose header's checksum is made good.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/crc32c.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/store/cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    UIDS = 6,
    UIDVALIDITY = 7,
    BUCKETS_MASK = 127, /* a table of millions takes its time, and is no other */
    HEADER_VALIDITY_AT = 12,
    HEADER_BUCKETS_AT = 16,
    HEADER_CRC_AT = 20
};

static int dir_fd = -1;

static void
make_dir(void)
{
    static char path[] = "/dev/shm/fuzz-cache-XXXXXX";

    if (mkdtemp(path) == NULL)
        abort();
    dir_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir_fd < 0)
        abort();
}

static void
write_cache(struct slice bytes)
{
    char *copy = xmalloc(bytes.len + 1);
    uint32_t crc, buckets, validity = UIDVALIDITY;
    int fd = openat(dir_fd, CACHE_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    memcpy(copy, bytes.ptr, bytes.len);
    if (bytes.len >= HEADER_CRC_AT + sizeof(crc)) {
        memcpy(copy + HEADER_VALIDITY_AT, &validity, sizeof(validity));
        memcpy(&buckets, copy + HEADER_BUCKETS_AT, sizeof(buckets));
        buckets &= BUCKETS_MASK;
        memcpy(copy + HEADER_BUCKETS_AT, &buckets, sizeof(buckets));
        crc = crc32c(0, slice_make(copy, HEADER_CRC_AT));
        memcpy(copy + HEADER_CRC_AT, &crc, sizeof(crc));
    }
    if (fd < 0 || write_all(fd, slice_make(copy, bytes.len)) < 0)
        abort();
    (void)close(fd);
    free(copy);
}

static void
read_all(struct cache *cache)
{
    static const unsigned kinds[] = {MAILBOX_CACHE_ENVELOPE, MAILBOX_CACHE_HEADERS,
                                     MAILBOX_CACHE_POP3_OCTETS};
    struct slice out;
    uint32_t sum = 0;

    for (uint32_t uid = 1; uid <= UIDS; uid++)
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
            if (cache_get(cache, uid, kinds[k], &out)) {
                assert_always(out.len <= MAILBOX_CACHE_MAX);
                sum = crc32c(sum, out); /* each byte can be read */
            }
    (void)sum;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cache *cache;
    struct slice out;

    if (dir_fd < 0)
        make_dir();
    if (size == 0)
        return 0;
    write_cache(slice_make(data, size));
    (void)cache_file_check(dir_fd, UIDVALIDITY);
    cache = cache_new(dir_fd, UIDVALIDITY, false);
    read_all(cache);
    cache_put(cache, UIDS + 1, MAILBOX_CACHE_ENVELOPE, SLICE("value"));
    cache_release(cache);
    assert_always(!cache_get(cache, UIDS + 1, MAILBOX_CACHE_ENVELOPE, &out) ||
                  slice_eq(out, SLICE("value")));
    cache_free(&cache);
    return 0;
}
