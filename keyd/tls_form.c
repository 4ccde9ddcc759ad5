/*
 * keyd/tls_form.c - the forms of what a server signs. No I/O.
 */
#include "keyd/tls_form.h"

#include <string.h>

#include "lib/base/mem.h"

enum { PAD = 64, RANDOM = 32, SHA256 = 32, SHA384 = 48 };

/* RFC 8446 section 4.4.3; the NUL behind the words belongs to it. */
static bool
is_certificate_verify(struct slice content)
{
    static const char context[] = "TLS 1.3, server CertificateVerify";
    size_t start = PAD + sizeof(context);

    if (content.len != start + SHA256 && content.len != start + SHA384)
        return false;
    for (size_t i = 0; i < PAD; i++)
        if (content.ptr[i] != 0x20)
            return false;
    return memcmp(content.ptr + PAD, context, sizeof(context)) == 0;
}

/* ServerECDHParams: curve_type named_curve (3), the curve, a point of its length (RFC 8422
 * sections 5.1.1 and 5.4). */
static bool
is_ecdh(struct slice params)
{
    static const struct {
        unsigned char curve, point_len;
        bool uncompressed;
    } curves[] = {{23, 65, true}, {24, 97, true}, {29, 32, false}};
    const unsigned char *p = (const unsigned char *)params.ptr;

    if (params.len < 5 || p[0] != 3 || p[1] != 0)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(curves); i++)
        if (p[2] == curves[i].curve)
            return p[3] == curves[i].point_len && params.len == 4 + (size_t)curves[i].point_len &&
                   (!curves[i].uncompressed || p[4] == 4);
    return false;
}

static bool
is_key_exchange(struct slice content, bool old)
{
    const char downgraded[] = {'D', 'O', 'W', 'N', 'G', 'R', 'D', old ? 0 : 1};
    size_t start = (size_t)2 * RANDOM;

    return content.len > start &&
           memcmp(content.ptr + start - sizeof(downgraded), downgraded, sizeof(downgraded)) == 0 &&
           is_ecdh(slice_sub(content, start, content.len));
}

/* RFC 8446 section 4.2.3: PKCS #1 v1.5 signs no handshake of TLS 1.3. */
static bool
is_scheme_of_1_2_alone(uint16_t scheme)
{
    return scheme == TLS_RSA_PKCS1_SHA256 || scheme == TLS_RSA_PKCS1_SHA384 ||
           scheme == TLS_RSA_PKCS1_SHA512;
}

bool
tls_form_is_old(uint16_t scheme)
{
    return scheme == TLS_RSA_MD5_SHA1 || scheme == TLS_ECDSA_SHA1;
}

bool
tls_form_is_handshake(uint16_t scheme, struct slice content)
{
    bool old = tls_form_is_old(scheme);

    if (is_certificate_verify(content))
        return !old && !is_scheme_of_1_2_alone(scheme);
    return is_key_exchange(content, old);
}
