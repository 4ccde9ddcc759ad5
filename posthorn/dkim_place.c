/*
 * posthorn/dkim_place.c - makes, lists and removes DKIM keys on disk.
 *
 * Root writes and keyd reads: the directory has keyd's group and the setgid bit. In an instance of
 * an ordinary user everything is that user's alone.
 */
#include "posthorn/dkim_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/account/canonical.h"
#include "lib/base/clock.h"
#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/role.h"
#include "lib/ipc/client.h"
#include "lib/ipc/keyd.h"
#include "posthorn/store_job.h"

enum { CONNECT_MS = 2000, RELOAD_MS = 10000 };

/* ---- opening ---- */

static char *
top_path(const struct dkim_place *place)
{
    return xasprintf("%s/" DKIM_DIR, place->cli->inst.etc);
}

/* 0: it is open, or not there. */
static int
open_top(struct dkim_place *place)
{
    char *path = top_path(place);
    int rc = CLI_OK;

    place->dirfd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (place->dirfd < 0 && errno != ENOENT)
        rc = cli_fail(place->cli, "%s: %s", path, strerror(errno));
    free(path);
    return rc;
}

/* An instance from before there were keys has no directory for them. */
static int
make_top(struct dkim_place *place)
{
    struct role role = {0, 0};
    char *path = top_path(place);
    int rc = CLI_OK;

    if (geteuid() == 0 && role_find(place->conf, USERS_KEY, &role) < 0)
        rc = cli_fail(place->cli, "users.key: '%s' is no user for a service",
                      conf_str(place->conf, USERS_KEY));
    else if ((mkdir(path, place->dir_mode) < 0 && errno != EEXIST) ||
             (geteuid() == 0 && chown(path, 0, role.gid) < 0) ||
             chmod(path, place->dir_mode) < 0) /* chown takes the setgid bit away */
        rc = cli_fail(place->cli, "%s: %s", path, strerror(errno));
    free(path);
    return rc == CLI_OK ? open_top(place) : rc;
}

int
dkim_place_open_all(struct dkim_place *place, struct cli *cli)
{
    bool is_root = geteuid() == 0;

    *place = (struct dkim_place){.cli = cli,
                                 .dirfd = -1,
                                 .domain_fd = -1,
                                 .dir_mode = is_root ? 02750 : 0700,
                                 .file_mode = is_root ? 0640 : 0600};
    (void)umask(027); /* the modes above are exact */
    place->conf = store_job_conf(cli);
    return place->conf == NULL ? CLI_FAILED : open_top(place);
}

static int
open_domain(struct dkim_place *place)
{
    if (place->dirfd < 0)
        return CLI_OK;
    place->domain_fd =
        openat(place->dirfd, place->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (place->domain_fd < 0 && errno == ENOENT)
        return CLI_OK;
    if (place->domain_fd < 0 || flock(place->domain_fd, LOCK_EX) < 0)
        return cli_fail(place->cli, DKIM_DIR "/%s: %s", place->name, strerror(errno));
    if (dkim_domain_read(place->domain_fd, &place->domain) < 0 && errno != ENOENT)
        return cli_fail(place->cli, DKIM_DIR "/%s/selectors: %s", place->name,
                        errno == EBADMSG ? "a line that is not 'SELECTOR STATE SECONDS'"
                                         : strerror(errno));
    return CLI_OK;
}

int
dkim_place_open(struct dkim_place *place, struct cli *cli, const char *domain)
{
    struct strbuf name = strbuf_new(DKIM_PLACE_NAME_MAX - 1);
    int rc = dkim_place_open_all(place, cli);

    if (rc == CLI_OK && canonical_domain(slice_of(domain), &name) < 0)
        rc = cli_fail(cli, "'%s' is no domain", domain);
    if (rc == CLI_OK) {
        (void)snprintf(place->name, sizeof(place->name), "%s", strbuf_cstr(&name)); /* it fits */
        rc = open_domain(place);
    }
    strbuf_free(&name);
    return rc;
}

void
dkim_place_close(struct dkim_place *place)
{
    conf_free(&place->conf);
    close_keep_errno(place->domain_fd); /* the lock goes with it */
    close_keep_errno(place->dirfd);
}

/* ---- making ---- */

static bool
is_taken(const struct dkim_domain *domain, const char *selector)
{
    for (size_t i = 0; i < domain->count; i++)
        if (strcmp(domain->sets[i].selector, selector) == 0)
            return true;
    return false;
}

/* "20261127", with a letter behind it if that is taken. */
static void
todays_selector(const struct dkim_domain *domain, char out[DKIM_SELECTOR_MAX + 1])
{
    struct strbuf date = strbuf_new(64);
    const char *d;

    (void)clock_rfc3339(clock_real_ms(), &date); /* shorter */
    d = strbuf_cstr(&date);
    (void)snprintf(out, DKIM_SELECTOR_MAX + 1, "%.4s%.2s%.2s", d, d + 5, d + 8);
    for (char letter = 'b'; is_taken(domain, out) && letter <= 'z'; letter++)
        (void)snprintf(out, DKIM_SELECTOR_MAX + 1, "%.4s%.2s%.2s%c", d, d + 5, d + 8, letter);
    strbuf_free(&date);
}

static int
choose_selector(const struct dkim_place *place, const char *wanted, struct dkim_set *set)
{
    if (place->domain.count == DKIM_SETS_MAX)
        return cli_fail(place->cli, "%s has %d key sets: remove one with --selector", place->name,
                        DKIM_SETS_MAX);
    if (wanted == NULL)
        todays_selector(&place->domain, set->selector);
    else if (!dkim_selector_valid(slice_of(wanted)))
        return cli_fail(place->cli,
                        "'%s' is no selector: up to %d small letters, digits and hyphens", wanted,
                        DKIM_SELECTOR_MAX);
    else
        (void)snprintf(set->selector, sizeof(set->selector), "%s", wanted); /* it fits */
    if (is_taken(&place->domain, set->selector))
        return cli_fail(place->cli, "%s has a key set '%s' already", place->name, set->selector);
    return CLI_OK;
}

static int
make_key(struct dkim_place *place, const struct dkim_set *set, enum dkim_algorithm algorithm)
{
    struct dkim_key *key = dkim_key_make(algorithm, (unsigned)conf_u64(place->conf, DKIM_RSA_BITS));
    int rc = CLI_OK;

    if (key == NULL)
        rc = cli_fail(place->cli, "OpenSSL cannot make a key");
    else if (dkim_domain_write_key(place->domain_fd, set, algorithm, key, place->file_mode) < 0)
        rc = cli_fail(place->cli, DKIM_DIR "/%s: %s", place->name, strerror(errno));
    dkim_key_free(&key);
    return rc;
}

static int
make_domain(struct dkim_place *place)
{
    if (place->domain_fd >= 0)
        return CLI_OK;
    if (place->dirfd < 0 && make_top(place) != CLI_OK)
        return CLI_FAILED;
    if (mkdirat(place->dirfd, place->name, place->dir_mode & 0777) < 0 && errno != EEXIST)
        return cli_fail(place->cli, DKIM_DIR "/%s: %s", place->name, strerror(errno));
    if (fsync(place->dirfd) < 0)
        return cli_fail(place->cli, DKIM_DIR ": %s", strerror(errno));
    return open_domain(place);
}

int
dkim_place_make(struct dkim_place *place, const char *selector, enum dkim_state state)
{
    struct dkim_set set = {.state = state, .time_s = clock_real_ms() / 1000};
    int rc = choose_selector(place, selector, &set);

    if (rc == CLI_OK)
        rc = make_domain(place);
    for (int i = 0; rc == CLI_OK && i < DKIM_ALGORITHMS; i++)
        rc = make_key(place, &set, (enum dkim_algorithm)i);
    if (rc != CLI_OK)
        return rc;
    place->domain.sets[place->domain.count++] = set;
    return dkim_place_save(place);
}

int
dkim_place_save(struct dkim_place *place)
{
    if (dkim_domain_write(place->domain_fd, &place->domain, place->file_mode) < 0)
        return cli_fail(place->cli, DKIM_DIR "/%s/selectors: %s", place->name, strerror(errno));
    return CLI_OK;
}

/* ---- removing ---- */

int
dkim_place_drop(struct dkim_place *place, size_t i)
{
    struct dkim_set set = place->domain.sets[i];
    char name[DKIM_NAME_MAX + 1], file[DKIM_FILE_NAME_MAX];
    int rc;

    for (size_t k = i + 1; k < place->domain.count; k++)
        place->domain.sets[k - 1] = place->domain.sets[k];
    place->domain.count--;
    rc = dkim_place_save(place); /* first: the list never names what is gone */
    for (int a = 0; rc == CLI_OK && a < DKIM_ALGORITHMS; a++) {
        dkim_selector_name(&set, (enum dkim_algorithm)a, name);
        (void)snprintf(file, sizeof(file), "%s.pem", name);
        if (unlinkat(place->domain_fd, file, 0) < 0 && errno != ENOENT)
            rc = cli_fail(place->cli, DKIM_DIR "/%s/%s: %s", place->name, file, strerror(errno));
    }
    return rc;
}

int
dkim_place_drop_domain(struct dkim_place *place)
{
    if (unlinkat(place->domain_fd, "selectors", 0) < 0 ||
        unlinkat(place->dirfd, place->name, AT_REMOVEDIR) < 0)
        return cli_fail(place->cli, DKIM_DIR "/%s: %s", place->name, strerror(errno));
    return CLI_OK;
}

/* ---- others ---- */

int
dkim_place_public(struct dkim_place *place, const struct dkim_set *set,
                  enum dkim_algorithm algorithm, struct strbuf *bytes)
{
    struct dkim_key *key = dkim_domain_key(place->domain_fd, set, algorithm);
    char name[DKIM_NAME_MAX + 1];
    int rc = CLI_OK;

    dkim_selector_name(set, algorithm, name);
    if (key == NULL)
        rc = cli_fail(place->cli, DKIM_DIR "/%s/%s.pem: %s", place->name, name,
                      errno == EBADMSG ? "holds no such key" : strerror(errno));
    else if (!dkim_key_public(key, bytes))
        rc = cli_fail(place->cli, "OpenSSL cannot write the public key of %s", name);
    dkim_key_free(&key);
    return rc;
}

int
dkim_place_tell_keyd(const struct dkim_place *place)
{
    int run_dirfd = open(place->cli->inst.run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct ipc_client *keyd = ipc_client_new(run_dirfd, KEYD_SOCKET, KEYD_PAYLOAD_MAX);
    struct strbuf request = strbuf_new(KEYD_PAYLOAD_MAX);
    struct ipc_reply reply = {.fd = -1};
    struct keyd_reloaded answer;
    int rc = CLI_OK;

    if (ipc_client_connect(keyd, CONNECT_MS) == 0) { /* else it reads them when it starts */
        if (keyd_reload_encode(&request) < 0 ||
            ipc_client_call(keyd, &request, -1, RELOAD_MS, &reply) < 0 ||
            reply.type != KEYD_RELOADED || keyd_reloaded_decode(reply.payload, &answer) < 0)
            rc = cli_fail(place->cli,
                          "keyd does not answer: 'posthorn service restart key' has it read the "
                          "keys");
        else if (answer.errors.len > 0)
            rc =
                cli_fail(place->cli, "keyd says:\n%.*s", (int)answer.errors.len, answer.errors.ptr);
    }
    close_keep_errno(reply.fd);
    strbuf_free(&request);
    ipc_client_free(&keyd);
    close_keep_errno(run_dirfd);
    return rc;
}
