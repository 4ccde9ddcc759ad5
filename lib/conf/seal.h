/*
 * lib/conf/seal.h - secrets that are kept encrypted, and the keys for it.
 *
 *   {SEALED1}base64( key's id (4 bytes) | nonce (12) | the secret, encrypted | tag (16) )
 *
 * AES-256-GCM (NIST SP 800-38D) by OpenSSL, with a random nonce (section 8.2.2: good for 2^32
 * secrets of one key). What the secret is for, a name, is authenticated with it: sealed text that
 * is copied to another place does not open there. The number in the tag is the format's.
 */
#ifndef POSTHORN_LIB_CONF_SEAL_H
#define POSTHORN_LIB_CONF_SEAL_H

#include "lib/base/strbuf.h"

#define SEAL_TAG "{SEALED1}"
#define SEAL_KEYS_MAX 2
#define SEAL_KEY_BYTES 32
#define SEAL_ID_BYTES 4
#define SEAL_ID_HEX 8        /* characters of it */
#define SEAL_SECRET_MAX 4096 /* bytes of a secret */
#define SEAL_TEXT_MAX 5600   /* of sealed text */

struct seal_key {
    unsigned char id[SEAL_ID_BYTES]; /* the first bytes of the key's SHA-256 */
    unsigned char bytes[SEAL_KEY_BYTES];
};
/* The first seals, each opens. */
struct seal_keys {
    struct seal_key list[SEAL_KEYS_MAX];
    size_t count;
};

/* A file of keys: one on each line in base64, '#' begins a comment. Others than its owner may not
 * read it. 0, or -1 with one line in `error` and errno, ENOENT where there is no such file. */
int seal_keys_read(const char *path, struct seal_keys *keys, struct strbuf *error);
void seal_keys_print(const struct seal_keys *keys, struct strbuf *out); /* such a file's text */
/* A new random key in front; the last one of SEAL_KEYS_MAX goes. */
void seal_keys_add(struct seal_keys *keys);
void seal_keys_wipe(struct seal_keys *keys);

/* It claims to be sealed, by this format or another. */
bool seal_is_sealed(struct slice text);
/* Appends the sealed text to `out`. False: the secret or the text is too long. */
bool seal_close(const struct seal_keys *keys, struct slice name, struct slice secret,
                struct strbuf *out);
/* Appends the secret to `out`. NULL, or what is wrong, in words. */
const char *seal_open(const struct seal_keys *keys, struct slice name, struct slice text,
                      struct strbuf *out);
/* Was it sealed with the first key? */
bool seal_is_by_first(const struct seal_keys *keys, struct slice text);

#endif
