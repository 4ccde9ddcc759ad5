/*
 * lib/auth/code.c - authorization codes: making, reading and keeping them. No I/O.
 *
 * PLAIN takes a code however it was typed; SCRAM only as it was shown, for the client hashes what
 * it was given.
 */
#include "lib/auth/code.h"

#include <string.h>

#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"

enum { GROUP = 4 };

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

void
code_random_letters(char *out, size_t count)
{
    unsigned char byte;

    for (size_t i = 0; i < count; i++) {
        random_bytes(&byte, 1);
        out[i] = alphabet[byte % (sizeof(alphabet) - 1)]; /* 32: none is likelier than another */
    }
    out[count] = '\0';
}

void
code_make(char text[CODE_TEXT_LEN + 1])
{
    char *at = text;

    for (size_t i = 0; i < CODE_LETTERS; i += GROUP) {
        if (i > 0)
            *at++ = '-';
        code_random_letters(at, GROUP);
        at += GROUP;
    }
}

int
code_letters(struct slice given, char letters[CODE_LETTERS + 1])
{
    size_t count = 0;

    for (size_t i = 0; i < given.len; i++) {
        char c = given.ptr[i];

        if (c == '-' || c == ' ')
            continue;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (count == CODE_LETTERS || c == '\0' || strchr(alphabet, c) == NULL)
            return -1;
        letters[count++] = c;
    }
    letters[count] = '\0';
    return count == CODE_LETTERS ? 0 : -1;
}

int
code_record(struct slice text, const struct password_scram *sha256,
            const struct password_scram *sha1, struct strbuf *record)
{
    char letters[CODE_LETTERS + 1];
    unsigned char hash[DIGEST_MAX];
    struct password_scram keys = *sha256, keys_sha1 = *sha1;

    if (code_letters(text, letters) < 0)
        return -1;
    digest_of(DIGEST_SHA256, slice_of(letters), SLICE(""), hash);
    (void)strbuf_str(record, "{SHA256}");
    (void)base64_encode(slice_make(hash, digest_size(DIGEST_SHA256)), record);
    mem_wipe(letters, sizeof(letters));
    if (password_scram_append(DIGEST_SHA256, text, &keys, record) < 0)
        return -1;
    return password_scram_append(DIGEST_SHA1, text, &keys_sha1, record);
}

bool
code_fits(struct slice record, const char letters[CODE_LETTERS + 1])
{
    return password_verify(record, slice_of(letters)) == PASSWORD_RIGHT;
}
