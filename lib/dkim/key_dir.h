/*
 * lib/dkim/key_dir.h - the private keys of all domains on disk: etc/certs/dkim.
 *
 *     DOMAIN/selectors        a line "SELECTOR STATE SECONDS" for each key set
 *     DOMAIN/SELECTOR-rsa.pem, DOMAIN/SELECTOR-ed25519.pem
 *
 * The names in the DNS are SELECTOR-rsa._domainkey.DOMAIN and SELECTOR-ed25519._domainkey.DOMAIN: a
 * name may have one key record only (RFC 6376 section 3.6.2.2). The command line writes them,
 * keyd reads.
 */
#ifndef POSTHORN_LIB_DKIM_KEY_DIR_H
#define POSTHORN_LIB_DKIM_KEY_DIR_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/dkim/key.h"

#define DKIM_DIR "certs/dkim" /* below etc */
#define DKIM_SELECTOR_MAX 48  /* of a key set: with "-ed25519" it is still one label */
#define DKIM_NAME_MAX 63      /* of a selector in the DNS */
#define DKIM_SETS_MAX 16      /* of one domain */
#define DKIM_FILE_NAME_MAX (DKIM_NAME_MAX + 8)

enum dkim_state {
    DKIM_ACTIVE,  /* signs */
    DKIM_WAITING, /* will sign when its records are in the DNS */
    DKIM_RETIRED, /* signs no more: `time_s` says until when its records have to stay there */
    DKIM_STATES
};

struct dkim_set {
    char selector[DKIM_SELECTOR_MAX + 1];
    enum dkim_state state;
    int64_t time_s; /* since 1970: since when in this state; RETIRED: until when */
};
struct dkim_domain {
    struct dkim_set sets[DKIM_SETS_MAX];
    size_t count;
};

const char *dkim_state_name(enum dkim_state state);
/* One label of letters, digits and inner hyphens, lower case, short enough. */
bool dkim_selector_valid(struct slice selector);
/* "S-rsa", and the file's name "S-rsa.pem". */
void dkim_selector_name(const struct dkim_set *set, enum dkim_algorithm algorithm,
                        char out[DKIM_NAME_MAX + 1]);
/* The set in that state, or NULL. */
struct dkim_set *dkim_domain_find(struct dkim_domain *domain, enum dkim_state state);

/* Reads DOMAIN/selectors; `domain_fd` is the domain's directory. 0, or -1 with errno: ENOENT,
 * EBADMSG (a line that is none). */
int dkim_domain_read(int domain_fd, struct dkim_domain *domain);
int dkim_domain_write(int domain_fd, const struct dkim_domain *domain, mode_t mode);
/* NULL with errno: EBADMSG for a file that holds no such key. */
struct dkim_key *dkim_domain_key(int domain_fd, const struct dkim_set *set,
                                 enum dkim_algorithm algorithm);
int dkim_domain_write_key(int domain_fd, const struct dkim_set *set, enum dkim_algorithm algorithm,
                          const struct dkim_key *key, mode_t mode);

/* Calls each(arg, name) for the directories that have a domain's name. 0, or -1 with errno. */
int dkim_dir_list(int dirfd, void (*each)(void *arg, const char *domain), void *arg);

#endif
