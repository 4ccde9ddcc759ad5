/*
 * lib/conf/seal.c - secrets that are kept encrypted.
 *
 * Input: a key file of ours, and text from configuration files and the account base that anybody
 * may have put there. Everything that held a key or a secret is wiped.
 */
#include "lib/conf/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/auth/digest.h"
#include "lib/base/encode.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"

enum {
    NONCE_BYTES = 12,
    TAG_BYTES = 16,
    HEAD_BYTES = SEAL_ID_BYTES + NONCE_BYTES,
    FILE_MAX = 4096,
    PACKET_MAX = HEAD_BYTES + SEAL_SECRET_MAX + TAG_BYTES
};

static void
wipe(struct strbuf *b)
{
    if (b->ptr != NULL)
        mem_wipe(b->ptr, b->cap);
    strbuf_free(b);
}

/* ---- keys ---- */

static void
set_key(struct seal_key *key, const char *bytes)
{
    unsigned char digest[DIGEST_MAX];

    memcpy(key->bytes, bytes, SEAL_KEY_BYTES);
    digest_of(DIGEST_SHA256, slice_make(bytes, SEAL_KEY_BYTES), SLICE(""), digest);
    memcpy(key->id, digest, SEAL_ID_BYTES);
}

/* NULL, or what is wrong with the line. */
static const char *
take_line(struct seal_keys *keys, struct slice line)
{
    struct strbuf bytes = strbuf_new(SEAL_KEY_BYTES);
    const char *trouble = NULL;

    (void)strbuf_room(&bytes, SEAL_KEY_BYTES); /* does not move and leave a copy */
    if (line.len == 0 || line.ptr[0] == '#')
        ;
    else if (keys->count == SEAL_KEYS_MAX)
        trouble = "there are more than two keys";
    else if (base64_decode(line, &bytes) < 0 || bytes.len != SEAL_KEY_BYTES)
        trouble = "expected a key of 32 bytes in base64";
    else
        set_key(&keys->list[keys->count++], bytes.ptr);
    wipe(&bytes);
    return trouble;
}

static const char *
read_private(int fd, struct strbuf *text)
{
    struct stat st;
    char *room;

    if (fd < 0 || fstat(fd, &st) < 0)
        return strerror(errno);
    if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
        return "not a file of at most 4 KiB";
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return "others than its owner have access: chmod 400 it";
    room = strbuf_room(text, (size_t)st.st_size);
    if (room == NULL || read_exact(fd, room, (size_t)st.st_size) < 0)
        return strerror(errno);
    strbuf_grew(text, (size_t)st.st_size);
    return NULL;
}

int
seal_keys_read(const char *path, struct seal_keys *keys, struct strbuf *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), saved = errno;
    struct strbuf text = strbuf_new(FILE_MAX);
    const char *trouble = read_private(fd, &text);
    struct slice rest = strbuf_slice(&text);
    unsigned line = 0;

    *keys = (struct seal_keys){.count = 0};
    for (; trouble == NULL && rest.len > 0; line++)
        trouble = take_line(keys, slice_trim(slice_split(&rest, '\n')));
    if (trouble == NULL && keys->count == 0) {
        trouble = "there is no key in it";
        line = 0;
    }
    if (trouble != NULL && line > 0)
        (void)strbuf_printf(error, "%s:%u: %s", path, line, trouble);
    else if (trouble != NULL)
        (void)strbuf_printf(error, "%s: %s", path, trouble);
    if (trouble != NULL)
        seal_keys_wipe(keys);
    wipe(&text);
    close_keep_errno(fd);
    errno = fd < 0 ? saved : EINVAL;
    return trouble == NULL ? 0 : -1;
}

void
seal_keys_print(const struct seal_keys *keys, struct strbuf *out)
{
    (void)strbuf_str(out, "# Opens the passwords that are sealed for this service (posthorn(8), "
                          "\"password seal\"):\n# the first key seals, each of them opens. Keep a "
                          "copy, not with that of the passwords.\n");
    for (size_t i = 0; i < keys->count; i++) {
        (void)base64_encode(slice_make(keys->list[i].bytes, SEAL_KEY_BYTES), out);
        (void)strbuf_char(out, '\n');
    }
}

void
seal_keys_add(struct seal_keys *keys)
{
    char bytes[SEAL_KEY_BYTES];

    memmove(&keys->list[1], &keys->list[0], sizeof(keys->list[0]) * (SEAL_KEYS_MAX - 1));
    random_bytes(bytes, sizeof(bytes));
    set_key(&keys->list[0], bytes);
    mem_wipe(bytes, sizeof(bytes));
    if (keys->count < SEAL_KEYS_MAX)
        keys->count++;
}

void
seal_keys_wipe(struct seal_keys *keys)
{
    mem_wipe(keys, sizeof(*keys));
}

static const struct seal_key *
key_of(const struct seal_keys *keys, const char *id)
{
    for (size_t i = 0; i < keys->count; i++)
        if (memcmp(keys->list[i].id, id, SEAL_ID_BYTES) == 0)
            return &keys->list[i];
    return NULL;
}

/* ---- sealing ---- */

bool
seal_is_sealed(struct slice text)
{
    return slice_starts(text, SLICE("{SEALED"));
}

/* `out` has room for the secret and the tag. */
static bool
encrypt(const struct seal_key *key, const unsigned char *nonce, struct slice name,
        struct slice secret, unsigned char *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0, last = 0;
    bool done =
        ctx != NULL && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, nonce) == 1 &&
        EVP_EncryptUpdate(ctx, NULL, &len, (const unsigned char *)name.ptr, (int)name.len) == 1 &&
        EVP_EncryptUpdate(ctx, out, &len, (const unsigned char *)secret.ptr, (int)secret.len) ==
            1 &&
        EVP_EncryptFinal_ex(ctx, out + len, &last) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, out + secret.len) == 1;

    EVP_CIPHER_CTX_free(ctx);
    return done;
}

/* `in`: the secret encrypted and the tag; `out` has room for the secret. */
static bool
decrypt(const struct seal_key *key, const unsigned char *nonce, struct slice name, struct slice in,
        unsigned char *out)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    size_t secret_len = in.len - TAG_BYTES;
    unsigned char tag[TAG_BYTES];
    int len = 0, last = 0;
    bool done;

    memcpy(tag, in.ptr + secret_len, TAG_BYTES);
    done =
        ctx != NULL && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, nonce) == 1 &&
        EVP_DecryptUpdate(ctx, NULL, &len, (const unsigned char *)name.ptr, (int)name.len) == 1 &&
        EVP_DecryptUpdate(ctx, out, &len, (const unsigned char *)in.ptr, (int)secret_len) == 1 &&
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1 &&
        EVP_DecryptFinal_ex(ctx, out + len, &last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return done;
}

bool
seal_close(const struct seal_keys *keys, struct slice name, struct slice secret, struct strbuf *out)
{
    unsigned char packet[PACKET_MAX];
    bool done = keys->count > 0 && secret.len > 0 && secret.len <= SEAL_SECRET_MAX;

    if (!done)
        return false;
    memcpy(packet, keys->list[0].id, SEAL_ID_BYTES);
    random_bytes(packet + SEAL_ID_BYTES, NONCE_BYTES);
    done = encrypt(&keys->list[0], packet + SEAL_ID_BYTES, name, secret, packet + HEAD_BYTES);
    return done && strbuf_str(out, SEAL_TAG) &&
           base64_encode(slice_make(packet, HEAD_BYTES + secret.len + TAG_BYTES), out);
}

/* The packet in `text`. NULL, or what is wrong. */
static const char *
unpack(struct slice text, struct strbuf *packet)
{
    static const struct slice tag = {SEAL_TAG, sizeof(SEAL_TAG) - 1};

    if (!slice_starts(text, tag))
        return "this form of sealed text is of another version";
    if (base64_decode(slice_sub(text, tag.len, text.len), packet) < 0 ||
        packet->len <= HEAD_BYTES + TAG_BYTES)
        return "the sealed text is damaged";
    return NULL;
}

const char *
seal_open(const struct seal_keys *keys, struct slice name, struct slice text, struct strbuf *out)
{
    struct strbuf packet = strbuf_new(PACKET_MAX);
    const char *trouble = unpack(text, &packet);
    const struct seal_key *key = trouble == NULL ? key_of(keys, packet.ptr) : NULL;

    if (trouble == NULL && key == NULL) {
        trouble = "the sealed text needs a key that is not in the key file";
    } else if (trouble == NULL) {
        size_t len = packet.len - HEAD_BYTES - TAG_BYTES;
        unsigned char *room = (unsigned char *)strbuf_room(out, len);

        if (room == NULL)
            trouble = "the sealed text is too long";
        else if (!decrypt(key, (const unsigned char *)packet.ptr + SEAL_ID_BYTES, name,
                          slice_sub(strbuf_slice(&packet), HEAD_BYTES, packet.len), room))
            trouble = "the sealed text belongs elsewhere, or has been changed";
        else
            strbuf_grew(out, len);
        if (trouble != NULL && room != NULL)
            mem_wipe(room, len);
    }
    strbuf_free(&packet);
    return trouble;
}

bool
seal_is_by_first(const struct seal_keys *keys, struct slice text)
{
    struct strbuf packet = strbuf_new(PACKET_MAX);
    bool is = unpack(text, &packet) == NULL && key_of(keys, packet.ptr) == &keys->list[0];

    strbuf_free(&packet);
    return is;
}
