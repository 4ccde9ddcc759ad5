/*
 * lib/base/random.c - unpredictable bytes from the kernel.
 */
#include "lib/base/random.h"

#include <errno.h>
#include <sys/random.h>

#include "lib/base/mem.h"

void
random_bytes(void *buf, size_t len)
{
    char *at = buf;

    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);

        assert_always(n > 0 || errno == EINTR);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
}

uint64_t
random_u64(void)
{
    uint64_t value;

    random_bytes(&value, sizeof(value));
    return value;
}

void
random_name(char *out, size_t len)
{
    static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    unsigned char bytes[64];
    size_t at = sizeof(bytes);

    for (size_t i = 0; i < len;) {
        if (at == sizeof(bytes)) {
            random_bytes(bytes, sizeof(bytes)); /* one call for a name of the usual length */
            at = 0;
        }
        if (bytes[at] < 4 * (sizeof(letters) - 1)) /* 248: no letter is likelier than another */
            out[i++] = letters[bytes[at] % (sizeof(letters) - 1)];
        at++;
    }
    out[len] = '\0';
}
