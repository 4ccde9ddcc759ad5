/*
 * keyd/keys.h - the private keys of all domains that sign, in memory.
 */
#ifndef POSTHORN_KEYD_KEYS_H
#define POSTHORN_KEYD_KEYS_H

#include "lib/dkim/key_dir.h"

#define KEYS_DOMAINS_MAX 20000

struct keys;

struct domain_keys { /* one of each algorithm, or NULL */
    char selectors[DKIM_ALGORITHMS][DKIM_NAME_MAX + 1];
    struct dkim_key *keys[DKIM_ALGORITHMS];
};

/* `dirfd` is etc/certs/dkim (owned from here on), or -1: then there are no keys. */
struct keys *keys_new(int dirfd);
void keys_free(struct keys **keysp);

/* Reads all of them anew; a domain that cannot be read is left out, and `errors` gets a line about
 * it (what does not fit is in the log alone). 0, or -1 with errno: the directory cannot be read,
 * the keys are as before. */
int keys_load(struct keys *keys, struct strbuf *errors);
int keys_dirfd(const struct keys *keys);    /* -1: there is none */
size_t keys_count(const struct keys *keys); /* domains that sign */
/* By the canonical domain; NULL: it does not sign. Valid until the next keys_load. */
const struct domain_keys *keys_find(const struct keys *keys, struct slice domain);

#endif
