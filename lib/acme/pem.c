/*
 * lib/acme/pem.c - between the first and the last line of a PEM block stands base64 of the DER.
 */
#include "lib/acme/pem.h"

#include "lib/base/encode.h"

int
acme_pem_base64url(struct slice pem, struct strbuf *out)
{
    struct strbuf plain = strbuf_new(pem.len), der = strbuf_new(pem.len);
    struct slice rest = pem;
    bool inside = false, whole = false;
    int rc = -1;

    while (rest.len > 0 && !whole) {
        struct slice line = slice_trim(slice_split(&rest, '\n'));

        whole = inside && slice_starts(line, SLICE("-----END "));
        if (inside && !whole)
            (void)strbuf_append(&plain, line);
        inside = inside || slice_starts(line, SLICE("-----BEGIN "));
    }
    if (whole && base64_decode(strbuf_slice(&plain), &der) == 0 && der.len > 0 &&
        base64url_encode(strbuf_slice(&der), out))
        rc = 0;
    strbuf_free(&plain);
    strbuf_free(&der);
    return rc;
}
