/*
 * lib/auth/password.c - stored passwords: making new records and checking a password against one.
 *
 * Input:  passwords from clients (any bytes, bounded), records from the account base.
 * Opens nothing; takes the memory and time that a record's parameters ask for, so the callers run
 * in processes with limits. Copies of passwords are wiped.
 */
#include "lib/auth/password.h"

#include <argon2.h>
#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/record.h"
#include "lib/auth/saslprep.h"
#include "lib/base/encode.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/random.h"

enum {
    SALT_BYTES = 16,
    ARGON2_HASH_BYTES = 32,
    ARGON2_TEXT_MAX = 256,
    PREPARED_MAX = 4 * PASSWORD_MAX, /* bytes: NFKC makes some characters longer */
    SCRAM_ITERATIONS_MAX = 10000000
};

struct password_policy
password_policy_from(const struct conf *conf)
{
    return (struct password_policy){
        .argon2id = slice_eq(slice_of(conf_str(conf, AUTH_PASSWORD_SCHEME)), SLICE("argon2id")),
        .yescrypt_cost = (unsigned)conf_u64(conf, AUTH_YESCRYPT_COST),
        .argon2_kib = (unsigned)(conf_u64(conf, AUTH_ARGON2_MEMORY) / 1024),
        .argon2_passes = (unsigned)conf_u64(conf, AUTH_ARGON2_PASSES),
        .scram = conf_bool(conf, AUTH_SCRAM_KEYS),
        .scram_iterations = (unsigned)conf_u64(conf, AUTH_SCRAM_ITERATIONS),
    };
}

static bool
password_valid(struct slice password)
{
    for (size_t i = 0; i < password.len; i++)
        if ((unsigned char)password.ptr[i] < 0x20 || password.ptr[i] == 0x7f)
            return false;
    return password.len > 0 && password.len <= PASSWORD_MAX;
}

/* ---- crypt(3) ---- */

static enum password_verdict
crypt_compare(const char *phrase, struct slice stored)
{
    enum password_verdict verdict = PASSWORD_UNUSABLE;
    struct crypt_data *work = xcalloc(1, sizeof(*work)); /* 32 KiB */
    char *setting = xslicedup(stored);
    const char *got;

    errno = 0;
    got = crypt_rn(phrase, setting, work, (int)sizeof(*work));
    if (got != NULL && got[0] != '*')
        verdict = digest_equal(slice_of(got), stored) ? PASSWORD_RIGHT : PASSWORD_WRONG;
    else if (errno == ENOMEM)
        verdict = PASSWORD_NO_MEMORY;
    mem_wipe(work, sizeof(*work));
    free(work);
    free(setting);
    return verdict;
}

static int
yescrypt_hash(unsigned cost, const char *phrase, struct strbuf *record)
{
    struct crypt_data *work = xcalloc(1, sizeof(*work));
    char setting[CRYPT_GENSALT_OUTPUT_SIZE], salt[SALT_BYTES];
    const char *got = NULL;
    int rc = -1;

    random_bytes(salt, sizeof(salt));
    if (crypt_gensalt_rn("$y$", cost, salt, sizeof(salt), setting, sizeof(setting)) != NULL)
        got = crypt_rn(phrase, setting, work, (int)sizeof(*work));
    if (got != NULL && got[0] != '*' && strbuf_str(record, "{YESCRYPT}") && strbuf_str(record, got))
        rc = 0;
    mem_wipe(work, sizeof(*work));
    free(work);
    return rc;
}

/* ---- argon2 ---- */

static enum password_verdict
argon2_compare(struct slice password, struct slice stored)
{
    argon2_type type =
        slice_starts(stored, SLICE("$argon2id$")) ? Argon2_id : Argon2_i; /* never 2d */
    char *encoded = xslicedup(stored);
    int rc = argon2_verify(encoded, password.ptr, password.len, type);

    free(encoded);
    if (rc == ARGON2_OK)
        return PASSWORD_RIGHT;
    if (rc == ARGON2_MEMORY_ALLOCATION_ERROR || rc == ARGON2_THREAD_FAIL)
        return PASSWORD_NO_MEMORY;
    return rc == ARGON2_VERIFY_MISMATCH ? PASSWORD_WRONG : PASSWORD_UNUSABLE;
}

static int
argon2_hash_new(const struct password_policy *policy, struct slice password, struct strbuf *record)
{
    char encoded[ARGON2_TEXT_MAX], salt[SALT_BYTES];

    random_bytes(salt, sizeof(salt));
    if (argon2id_hash_encoded(policy->argon2_passes, policy->argon2_kib, 1, password.ptr,
                              password.len, salt, sizeof(salt), ARGON2_HASH_BYTES, encoded,
                              sizeof(encoded)) != ARGON2_OK) {
        errno = ENOMEM;
        return -1;
    }
    return strbuf_str(record, "{ARGON2ID}") && strbuf_str(record, encoded) ? 0 : -1;
}

/* ---- one digest, salt behind it ---- */

static enum password_verdict
digest_compare(enum digest digest, struct slice password, struct slice stored)
{
    size_t size = digest_size(digest);
    unsigned char got[DIGEST_MAX];
    struct strbuf raw = strbuf_new(PASSWORD_RECORD_MAX);
    enum password_verdict verdict = PASSWORD_UNUSABLE;
    bool decoded = (stored.len == 2 * size && hex_decode(stored, &raw) == 0) ||
                   base64_decode(stored, &raw) == 0;

    if (decoded && raw.len >= size) {
        digest_of(digest, password, slice_make(raw.ptr + size, raw.len - size), got);
        verdict = digest_equal(slice_make(got, size), slice_make(raw.ptr, size)) ? PASSWORD_RIGHT
                                                                                 : PASSWORD_WRONG;
    }
    mem_wipe(got, sizeof(got));
    strbuf_free(&raw);
    return verdict;
}

/* ---- SCRAM keys (RFC 5802 section 3) ---- */

void
password_scram_make(enum digest digest, struct slice password, struct password_scram *keys)
{
    size_t size = digest_size(digest);
    unsigned char salted[DIGEST_MAX], client_key[DIGEST_MAX];

    digest_pbkdf2(digest, password, slice_make(keys->salt, keys->salt_len), keys->iterations,
                  salted);
    digest_hmac(digest, slice_make(salted, size), SLICE("Client Key"), client_key);
    digest_of(digest, slice_make(client_key, size), SLICE(""), keys->stored_key);
    digest_hmac(digest, slice_make(salted, size), SLICE("Server Key"), keys->server_key);
    mem_wipe(salted, sizeof(salted));
    mem_wipe(client_key, sizeof(client_key));
}

/* Base64 of exactly `size` bytes, or of 1 to `size` when `length` is wanted. */
static int
scram_bytes(struct slice text, size_t size, unsigned char *out, size_t *length)
{
    struct strbuf raw = strbuf_new(size);
    int rc = base64_decode(text, &raw);

    if (rc == 0 && (length != NULL ? raw.len == 0 : raw.len != size))
        rc = -1;
    if (rc == 0) {
        memcpy(out, raw.ptr, raw.len);
        if (length != NULL)
            *length = raw.len;
    }
    strbuf_free(&raw);
    return rc;
}

static int
scram_parse(enum digest digest, struct slice data, struct password_scram *out)
{
    size_t size = digest_size(digest);
    uint64_t iterations;

    if (parse_u64(slice_split(&data, ','), SCRAM_ITERATIONS_MAX, &iterations) < 0 ||
        iterations == 0)
        return -1;
    out->iterations = (unsigned)iterations;
    if (scram_bytes(slice_split(&data, ','), sizeof(out->salt), out->salt, &out->salt_len) < 0 ||
        scram_bytes(slice_split(&data, ','), size, out->stored_key, NULL) < 0)
        return -1;
    return scram_bytes(data, size, out->server_key, NULL);
}

int
password_scram_find(struct slice record, enum digest digest, struct password_scram *out)
{
    struct record_part part;

    while (record_next(&record, &part))
        if (part.kind == RECORD_SCRAM && part.digest == digest)
            return scram_parse(digest, part.data, out);
    return -1;
}

static enum password_verdict
scram_compare(enum digest digest, struct slice password, struct slice stored)
{
    enum password_verdict verdict = PASSWORD_UNUSABLE;
    struct password_scram want, got;
    struct strbuf prepared = strbuf_new(PREPARED_MAX);
    size_t size = digest_size(digest);

    if (scram_parse(digest, stored, &want) == 0) {
        got = want;
        verdict = PASSWORD_WRONG;
        if (saslprep(password, &prepared) == 0)
            password_scram_make(digest, strbuf_slice(&prepared), &got);
        else
            mem_wipe(got.stored_key, sizeof(got.stored_key));
        if (digest_equal(slice_make(got.stored_key, size), slice_make(want.stored_key, size)))
            verdict = PASSWORD_RIGHT;
    }
    if (prepared.ptr != NULL)
        mem_wipe(prepared.ptr, prepared.cap);
    strbuf_free(&prepared);
    return verdict;
}

int
password_scram_append(enum digest digest, struct slice prepared, struct password_scram *keys,
                      struct strbuf *record)
{
    size_t size = digest_size(digest);

    password_scram_make(digest, prepared, keys);
    (void)strbuf_str(record, digest == DIGEST_SHA1 ? " {SCRAM-SHA-1}" : " {SCRAM-SHA-256}");
    (void)strbuf_u64(record, keys->iterations);
    (void)strbuf_char(record, ',');
    (void)base64_encode(slice_make(keys->salt, keys->salt_len), record);
    (void)strbuf_char(record, ',');
    (void)base64_encode(slice_make(keys->stored_key, size), record);
    (void)strbuf_char(record, ',');
    (void)base64_encode(slice_make(keys->server_key, size), record);
    mem_wipe(keys->stored_key, sizeof(keys->stored_key));
    mem_wipe(keys->server_key, sizeof(keys->server_key));
    return record->overflow ? -1 : 0; /* the buffer remembers any append that it refused */
}

static int
scram_append(enum digest digest, const struct password_policy *policy, struct slice prepared,
             struct strbuf *record)
{
    struct password_scram keys = {.iterations = policy->scram_iterations, .salt_len = SALT_BYTES};

    random_bytes(keys.salt, keys.salt_len);
    return password_scram_append(digest, prepared, &keys, record);
}

/* A password that SASLprep refuses (no UTF-8) gets no SCRAM keys: PLAIN still takes it. */
static int
scram_append_all(const struct password_policy *policy, struct slice password, struct strbuf *record)
{
    struct strbuf prepared = strbuf_new(PREPARED_MAX);
    int rc = 0;

    if (saslprep(password, &prepared) == 0 && prepared.len > 0 &&
        (scram_append(DIGEST_SHA256, policy, strbuf_slice(&prepared), record) < 0 ||
         scram_append(DIGEST_SHA1, policy, strbuf_slice(&prepared), record) < 0))
        rc = -1;
    if (prepared.ptr != NULL)
        mem_wipe(prepared.ptr, prepared.cap);
    strbuf_free(&prepared);
    return rc;
}

/* ---- records ---- */

int
password_hash(const struct password_policy *policy, struct slice password, struct strbuf *record)
{
    size_t start = record->len;
    char phrase[PASSWORD_MAX + 1];
    int rc;

    if (!password_valid(password)) {
        errno = EINVAL;
        return -1;
    }
    memcpy(phrase, password.ptr, password.len);
    phrase[password.len] = '\0';
    rc = policy->argon2id ? argon2_hash_new(policy, password, record)
                          : yescrypt_hash(policy->yescrypt_cost, phrase, record);
    if (rc == 0 && policy->scram)
        rc = scram_append_all(policy, password, record);
    if (rc < 0)
        strbuf_truncate(record, start);
    mem_wipe(phrase, sizeof(phrase));
    return rc;
}

static enum password_verdict
crypt_slice_compare(struct slice password, struct slice stored)
{
    char phrase[PASSWORD_MAX + 1];
    enum password_verdict verdict;

    memcpy(phrase, password.ptr, password.len);
    phrase[password.len] = '\0';
    verdict = crypt_compare(phrase, stored);
    mem_wipe(phrase, sizeof(phrase));
    return verdict;
}

enum password_verdict
password_verify(struct slice record, struct slice password)
{
    struct record_part part;

    if (!record_primary(record, &part) || part.data.len == 0)
        return PASSWORD_UNUSABLE;
    if (password.len == 0 || password.len > PASSWORD_MAX ||
        slice_index(password, '\0') < password.len)
        return PASSWORD_WRONG;
    switch (part.kind) {
    case RECORD_CRYPT:
        return crypt_slice_compare(password, part.data);
    case RECORD_ARGON2:
        return argon2_compare(password, part.data);
    case RECORD_PLAIN:
        return digest_equal(part.data, password) ? PASSWORD_RIGHT : PASSWORD_WRONG;
    case RECORD_DIGEST:
        return digest_compare(part.digest, password, part.data);
    case RECORD_SCRAM:
        return scram_compare(part.digest, password, part.data);
    case RECORD_UNKNOWN:
        break;
    }
    return PASSWORD_UNUSABLE;
}

bool
password_is_cheap(struct slice record)
{
    struct record_part part;

    return record_primary(record, &part) &&
           (part.kind == RECORD_PLAIN || part.kind == RECORD_DIGEST);
}

static bool
can_have_scram_keys(struct slice password)
{
    struct strbuf prepared = strbuf_new(PREPARED_MAX);
    bool can = saslprep(password, &prepared) == 0 && prepared.len > 0;

    if (prepared.ptr != NULL)
        mem_wipe(prepared.ptr, prepared.cap);
    strbuf_free(&prepared);
    return can;
}

bool
password_is_outdated(const struct password_policy *policy, struct slice record,
                     struct slice password)
{
    struct password_scram keys;
    struct record_part part;

    if (!record_primary(record, &part) || !part.strong || part.kind == RECORD_SCRAM)
        return true;
    return policy->scram && password_scram_find(record, DIGEST_SHA256, &keys) < 0 &&
           can_have_scram_keys(password); /* else every login would make the same record again */
}
