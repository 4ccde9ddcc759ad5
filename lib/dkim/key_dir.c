/*
 * lib/dkim/key_dir.c - DKIM keys and their states on disk.
 *
 * The files are ours and the administrator's. A key file is replaced whole or not at all.
 */
#include "lib/dkim/key_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/mail/address.h"

#define LIST_NAME "selectors"
#define LIST_MAX 4096 /* bytes */
#define SECONDS_MAX ((uint64_t)1 << 40)

static const char *const state_names[] = {
    [DKIM_ACTIVE] = "active",
    [DKIM_WAITING] = "waiting",
    [DKIM_RETIRED] = "retired",
};
static const char *const suffixes[] = {
    [DKIM_RSA_SHA256] = "rsa",
    [DKIM_ED25519_SHA256] = "ed25519",
};

const char *
dkim_state_name(enum dkim_state state)
{
    return state_names[state];
}

bool
dkim_selector_valid(struct slice selector)
{
    for (size_t i = 0; i < selector.len; i++)
        if (selector.ptr[i] == '.' || (selector.ptr[i] >= 'A' && selector.ptr[i] <= 'Z'))
            return false;
    return selector.len <= DKIM_SELECTOR_MAX && address_is_domain(selector, false);
}

void
dkim_selector_name(const struct dkim_set *set, enum dkim_algorithm algorithm,
                   char out[DKIM_NAME_MAX + 1])
{
    (void)snprintf(out, DKIM_NAME_MAX + 1, "%s-%s", set->selector, suffixes[algorithm]);
}

struct dkim_set *
dkim_domain_find(struct dkim_domain *domain, enum dkim_state state)
{
    for (size_t i = 0; i < domain->count; i++)
        if (domain->sets[i].state == state)
            return &domain->sets[i];
    return NULL;
}

/* "SELECTOR STATE SECONDS". 0, or -1. */
static int
parse_line(struct slice line, struct dkim_set *set)
{
    struct slice selector = slice_split(&line, ' '), state = slice_split(&line, ' ');
    uint64_t seconds;

    if (!dkim_selector_valid(selector) || parse_u64(line, SECONDS_MAX, &seconds) < 0)
        return -1;
    memcpy(set->selector, selector.ptr, selector.len);
    set->selector[selector.len] = '\0';
    set->time_s = (int64_t)seconds;
    for (int i = 0; i < DKIM_STATES; i++) {
        set->state = (enum dkim_state)i;
        if (slice_eq(state, slice_of(state_names[i])))
            return 0;
    }
    return -1;
}

int
dkim_domain_read(int domain_fd, struct dkim_domain *domain)
{
    struct strbuf text = strbuf_new(LIST_MAX);
    struct slice rest;
    int rc = read_file(domain_fd, LIST_NAME, &text);

    domain->count = 0;
    for (rest = strbuf_slice(&text); rc == 0 && rest.len > 0;) {
        struct slice line = slice_split(&rest, '\n');

        if (domain->count < DKIM_SETS_MAX && parse_line(line, &domain->sets[domain->count]) == 0) {
            domain->count++;
        } else {
            errno = EBADMSG;
            rc = -1;
        }
    }
    strbuf_free(&text);
    return rc;
}

int
dkim_domain_write(int domain_fd, const struct dkim_domain *domain, mode_t mode)
{
    struct strbuf text = strbuf_new(LIST_MAX);
    int rc;

    for (size_t i = 0; i < domain->count; i++) /* sixteen lines fit */
        (void)strbuf_printf(&text, "%s %s %lld\n", domain->sets[i].selector,
                            state_names[domain->sets[i].state], (long long)domain->sets[i].time_s);
    rc = replace_file(domain_fd, LIST_NAME, strbuf_slice(&text), mode);
    strbuf_free(&text);
    return rc;
}

static void
file_name(const struct dkim_set *set, enum dkim_algorithm algorithm, char out[DKIM_FILE_NAME_MAX])
{
    char name[DKIM_NAME_MAX + 1];

    dkim_selector_name(set, algorithm, name);
    (void)snprintf(out, DKIM_FILE_NAME_MAX, "%s.pem", name);
}

struct dkim_key *
dkim_domain_key(int domain_fd, const struct dkim_set *set, enum dkim_algorithm algorithm)
{
    char name[DKIM_FILE_NAME_MAX];
    struct strbuf pem = strbuf_new(DKIM_PEM_MAX);
    struct dkim_key *key = NULL;

    file_name(set, algorithm, name);
    (void)strbuf_room(&pem, DKIM_PEM_MAX); /* grows no more: no copy of the key stays behind */
    if (read_file(domain_fd, name, &pem) == 0) {
        key = dkim_key_parse(strbuf_slice(&pem), algorithm);
        errno = key == NULL ? EBADMSG : 0;
    }
    mem_wipe(pem.ptr, pem.cap);
    strbuf_free(&pem);
    return key;
}

int
dkim_domain_write_key(int domain_fd, const struct dkim_set *set, enum dkim_algorithm algorithm,
                      const struct dkim_key *key, mode_t mode)
{
    char name[DKIM_FILE_NAME_MAX];
    struct strbuf pem = strbuf_new(DKIM_PEM_MAX);
    int rc = -1;

    file_name(set, algorithm, name);
    (void)strbuf_room(&pem, DKIM_PEM_MAX); /* as above */
    if (dkim_key_write(key, &pem))
        rc = replace_file(domain_fd, name, strbuf_slice(&pem), mode);
    else
        errno = EIO;
    mem_wipe(pem.ptr, pem.cap);
    strbuf_free(&pem);
    return rc;
}

int
dkim_dir_list(int dirfd, void (*each)(void *arg, const char *domain), void *arg)
{
    int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (dir == NULL) {
        close_keep_errno(fd);
        return -1;
    }
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.' && address_is_domain(slice_of(entry->d_name), false))
            each(arg, entry->d_name);
    (void)closedir(dir); /* nothing was written through it */
    return 0;
}
