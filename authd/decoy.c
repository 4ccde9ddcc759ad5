/*
 * authd/decoy.c - what stands in for a user who does not exist.
 *
 * Reads and, once, writes one file of 32 random bytes at start-up, before the sandbox.
 */
#include "authd/decoy.h"

#include <err.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/random.h"

#define SECRET_FILE "authd.secret"

enum { SECRET_BYTES = 32, SALT_BYTES = 16 /* as password_hash makes them */ };

struct decoy {
    unsigned char secret[SECRET_BYTES];
    unsigned scram_iterations;
    struct strbuf record;
};

static void
secret_load(struct decoy *decoy, int dirfd)
{
    struct strbuf file = strbuf_new(SECRET_BYTES);

    if (read_file(dirfd, SECRET_FILE, &file) == 0 && file.len == SECRET_BYTES) {
        memcpy(decoy->secret, file.ptr, SECRET_BYTES);
    } else {
        random_bytes(decoy->secret, SECRET_BYTES);
        if (replace_file(dirfd, SECRET_FILE, slice_make(decoy->secret, SECRET_BYTES), 0600) < 0)
            err(EX_CANTCREAT, "cannot write %s in the account database's directory", SECRET_FILE);
    }
    strbuf_free(&file);
}

struct decoy *
decoy_new(int dirfd, const struct password_policy *policy)
{
    struct decoy *decoy = xcalloc(1, sizeof(*decoy));
    char password[32];

    secret_load(decoy, dirfd);
    decoy->scram_iterations = policy->scram_iterations;
    decoy->record = strbuf_new(PASSWORD_RECORD_MAX);
    random_name(password, sizeof(password) - 1);
    if (password_hash(policy, slice_of(password), &decoy->record) < 0)
        err(EX_UNAVAILABLE, "cannot hash a password as [auth] says");
    mem_wipe(password, sizeof(password));
    return decoy;
}

void
decoy_free(struct decoy **decoyp)
{
    struct decoy *decoy = *decoyp;

    if (decoy == NULL)
        return;
    strbuf_free(&decoy->record);
    mem_wipe(decoy, sizeof(*decoy));
    xfree(decoyp);
}

struct slice
decoy_record(const struct decoy *decoy)
{
    return strbuf_slice(&decoy->record);
}

void
decoy_scram(const struct decoy *decoy, struct slice name, enum digest digest,
            struct password_scram *keys)
{
    unsigned char salt[DIGEST_MAX];

    *keys = (struct password_scram){.iterations = decoy->scram_iterations, .salt_len = SALT_BYTES};
    digest_hmac(digest, slice_make(decoy->secret, SECRET_BYTES), name, salt);
    memcpy(keys->salt, salt, SALT_BYTES);
    random_bytes(keys->stored_key, digest_size(digest));
    random_bytes(keys->server_key, digest_size(digest));
}
