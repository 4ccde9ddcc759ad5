/*
 * master/socket_set.c - binds the listening sockets of one service.
 *
 * Runs as root and reads nothing from what it binds. IPv6 that the kernel does not have is left out
 * as long as another address of the same port could be bound.
 */
#include "master/socket_set.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/io.h"
#include "lib/base/mem.h"
#include "lib/conf/role.h"
#include "lib/ipc/master.h"
#include "lib/ipc/socket.h"
#include "lib/log/log.h"

#define BACKLOG 1024 /* the kernel cuts it to net.core.somaxconn */

struct address {
    struct sockaddr_storage storage;
    socklen_t len;
    char where[80];
};

static struct bound_socket *
find(const struct socket_set *set, const char *label, const char *where)
{
    for (size_t i = 0; set != NULL && i < set->count; i++)
        if (strcmp(set->items[i].label, label) == 0 && strcmp(set->items[i].where, where) == 0)
            return &set->items[i];
    return NULL;
}

/* A descriptor of its own for a socket that one of the sets has; -1 with errno ENOENT: none has. */
static int
take_held(const struct socket_set *const have[SOCKET_SETS_HELD], const char *label,
          const char *where)
{
    for (size_t i = 0; i < SOCKET_SETS_HELD; i++) {
        const struct bound_socket *held = find(have[i], label, where);

        if (held != NULL)
            return fcntl(held->fd, F_DUPFD_CLOEXEC, 0);
    }
    errno = ENOENT;
    return -1;
}

static void
add(struct socket_set *set, const char *label, const char *where, int fd)
{
    struct bound_socket *item;

    set->items = xreallocarray(set->items, set->count + 1, sizeof(set->items[0]));
    item = &set->items[set->count++];
    memset(item, 0, sizeof(*item));
    (void)snprintf(item->label, sizeof(item->label), "%s", label); /* bounded by services.conf */
    (void)snprintf(item->where, sizeof(item->where), "%s", where);
    item->fd = fd;
}

/* `text` was checked to be an address when the configuration was read. */
static struct address
make_address(const char *text, uint16_t port)
{
    struct address a = {.len = sizeof(struct sockaddr_in)};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&a.storage;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a.storage;

    if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        (void)snprintf(a.where, sizeof(a.where), "%s:%u", text, port);
    } else if (inet_pton(AF_INET6, text, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        a.len = sizeof(*v6);
        (void)snprintf(a.where, sizeof(a.where), "[%s]:%u", text, port);
    } else {
        a.len = 0;
        (void)snprintf(a.where, sizeof(a.where), "%s:%u", text, port);
    }
    return a;
}

static int
bind_internet(const struct address *a)
{
    int family = a->storage.ss_family, on = 1, fd;

    if (a->len == 0) {
        errno = EINVAL;
        return -1;
    }
    fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)); /* bind tells if it matters */
    if (family == AF_INET6) /* its IPv4 twin has a socket of its own */
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)&a->storage, a->len) < 0 || listen(fd, BACKLOG) < 0) {
        close_keep_errno(fd);
        return -1;
    }
    return fd;
}

static void
report(const struct address *a, const char *label, uint16_t port, int error, struct strbuf *errors)
{
    (void)strbuf_printf(errors, "%s on %s: ", label, a->where);
    if (error != EADDRINUSE) {
        (void)strbuf_printf(errors, "%s%s\n", strerror(error),
                            error == EADDRNOTAVAIL ? ": no interface has this address" : "");
        return;
    }
    (void)strbuf_printf(errors, MASTER_PORT_IN_USE "\n", port);
}

/* One port on all of its addresses. */
static int
open_port(struct socket_set *set, const struct config *config, const struct service_row *row,
          const struct service_listen *listen,
          const struct socket_set *const have[SOCKET_SETS_HELD], struct strbuf *errors)
{
    const char *binds[CONF_LIST_MAX];
    size_t count = service_binds(row, config->conf, binds, ARRAY_LEN(binds)), opened = 0;
    uint16_t port = (uint16_t)(listen->port + conf_u64(config->conf, SYSTEM_PORT_OFFSET));
    size_t errors_before = errors->len;

    for (size_t i = 0; i < count; i++) {
        struct address a = make_address(binds[i], port);
        int fd = take_held(have, listen->label, a.where);

        if (fd < 0 && errno == ENOENT)
            fd = bind_internet(&a);
        if (fd >= 0) {
            add(set, listen->label, a.where, fd);
            opened++;
        } else if (a.storage.ss_family == AF_INET6 &&
                   (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL) &&
                   strcmp(binds[i], "::") == 0 && count > 1) {
            log_event(LOG_WARN, "ipv6_missing", KV_STR("service", row->name),
                      KV_STR("address", a.where));
        } else {
            report(&a, listen->label, port, errno, errors);
        }
    }
    if (opened == 0 && errors->len == errors_before)
        (void)strbuf_printf(errors, "%s: no address to listen on\n", listen->label);
    return errors->len == errors_before ? 0 : -1;
}

/* The socket's group, or -1: the owner's. */
static gid_t
socket_gid(const struct config *config, const struct service_socket *is)
{
    struct role role;

    if (is->group < 0 || geteuid() != 0 ||
        role_find(config->conf, (enum conf_id)is->group, &role) < 0)
        return (gid_t)-1;
    return role.gid;
}

static int
set_rights(const struct config *config, const struct service_socket *is, int run_dirfd)
{
    if (fchownat(run_dirfd, is->name, (uid_t)-1, socket_gid(config, is), 0) < 0)
        return -1;
    return fchmodat(run_dirfd, is->name, is->mode, 0);
}

static int
bind_unix(const struct config *config, const struct service_socket *is, int run_dirfd)
{
    struct sockaddr_un address;
    int fd;

    if (ipc_socket_address(run_dirfd, is->name, &address) < 0)
        return -1;
    fd = socket(AF_UNIX, (is->is_datagram ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    unlink_keep_errno(run_dirfd, is->name); /* a dead one: the lock says that no other lives */
    if (is->is_datagram) /* from the first datagram on the kernel tells who sent it */
        (void)setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &(int){1}, sizeof(int));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        set_rights(config, is, run_dirfd) < 0 || (!is->is_datagram && listen(fd, BACKLOG) < 0)) {
        close_keep_errno(fd);
        return -1;
    }
    return fd;
}

/* One that the row does not have is open already. */
static int
open_unix(struct socket_set *set, const struct config *config, const char *label,
          const struct service_socket *is, int run_dirfd,
          const struct socket_set *const have[SOCKET_SETS_HELD], struct strbuf *errors)
{
    int fd;

    if (is->name[0] == '\0')
        return 0;
    fd = take_held(have, label, is->name);
    if (fd < 0 && errno == ENOENT)
        fd = bind_unix(config, is, run_dirfd);
    if (fd < 0) {
        (void)strbuf_printf(errors, "socket %s: %s\n", is->name, strerror(errno));
        return -1;
    }
    add(set, label, is->name, fd);
    return 0;
}

struct socket_set *
socket_set_open(const struct config *config, const struct service_row *row, int run_dirfd,
                const struct socket_set *const have[SOCKET_SETS_HELD], struct strbuf *errors)
{
    struct socket_set *set = xcalloc(1, sizeof(*set));
    int rc = 0;

    for (size_t i = 0; i < row->listen_count; i++)
        if (open_port(set, config, row, &row->listens[i], have, errors) < 0)
            rc = -1;
    if (open_unix(set, config, SERVICE_CONTROL, &row->socket, run_dirfd, have, errors) < 0 ||
        open_unix(set, config, SERVICE_DATAGRAMS, &row->datagrams, run_dirfd, have, errors) < 0)
        rc = -1;
    if (rc < 0)
        socket_set_free(&set);
    return set;
}

void
socket_set_free(struct socket_set **setp)
{
    struct socket_set *set = *setp;

    if (set == NULL)
        return;
    for (size_t i = 0; i < set->count; i++)
        close_keep_errno(set->items[i].fd);
    free(set->items);
    xfree(setp);
}

/* It has a name below run/. */
static bool
is_unix(const struct bound_socket *item)
{
    return strcmp(item->label, SERVICE_CONTROL) == 0 || strcmp(item->label, SERVICE_DATAGRAMS) == 0;
}

static void
renew_rights(const struct socket_set *set, const struct config *config, const char *label,
             const struct service_socket *is, int run_dirfd)
{
    if (find(set, label, is->name) != NULL && set_rights(config, is, run_dirfd) < 0)
        log_event(LOG_WARN, "socket_rights", KV_STR("socket", is->name), KV_ERRNO());
}

void
socket_set_replace(const struct socket_set *set, const struct socket_set *old,
                   const struct config *config, const struct service_row *row, int run_dirfd)
{
    for (size_t i = 0; old != NULL && i < old->count; i++)
        if (is_unix(&old->items[i]) && find(set, old->items[i].label, old->items[i].where) == NULL)
            unlink_keep_errno(run_dirfd, old->items[i].where);
    renew_rights(set, config, SERVICE_CONTROL, &row->socket, run_dirfd);
    renew_rights(set, config, SERVICE_DATAGRAMS, &row->datagrams, run_dirfd);
}

void
socket_set_unlink(const struct socket_set *set, int run_dirfd)
{
    for (size_t i = 0; set != NULL && i < set->count; i++)
        if (is_unix(&set->items[i]))
            unlink_keep_errno(run_dirfd, set->items[i].where);
}
