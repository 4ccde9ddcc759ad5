/*
 * lib/conf/services.h - services.conf: what master starts, and where each service listens.
 *
 * Same lines as posthorn.conf; the section is the service's name. Without a file the built-in text
 * holds, which is the repository's conf/services.conf.
 */
#ifndef POSTHORN_LIB_CONF_SERVICES_H
#define POSTHORN_LIB_CONF_SERVICES_H

#include <sys/types.h>

#include "lib/conf/conf.h"

#define SERVICES_MAX 64
#define SERVICE_NAME_MAX 32 /* bytes of a service's, program's, label's or socket's name */
#define SERVICE_LISTENS_MAX 16
#define SERVICE_BINDS_MAX 16
#define SERVICE_CONTROL "control"     /* label of the Unix socket */
#define SERVICE_DATAGRAMS "datagrams" /* and of the one for datagrams beside it */

struct service_listen {
    char label[SERVICE_NAME_MAX + 1];
    uint16_t port; /* standard port, without system.port_offset */
};

struct service_socket {
    char name[SERVICE_NAME_MAX + 1]; /* "": none */
    mode_t mode;
    bool is_datagram;
    int group; /* enum conf_id of a role; -1: the owner's */
};

struct service_row {
    char name[SERVICE_NAME_MAX + 1];
    char program[SERVICE_NAME_MAX + 1];
    int user;       /* enum conf_id of its role; -1: none given */
    bool automatic; /* started with the suite */
    bool always;    /* and not stopped before it */
    bool overlap;
    struct service_listen listens[SERVICE_LISTENS_MAX];
    size_t listen_count;
    char *binds[SERVICE_BINDS_MAX]; /* none: system.bind */
    size_t bind_count;
    struct service_socket socket;    /* SERVICE_CONTROL */
    struct service_socket datagrams; /* SERVICE_DATAGRAMS */
    unsigned line;                   /* of the section, for messages */
};

struct services {
    struct service_row rows[SERVICES_MAX];
    size_t count;
};

extern const char services_default_text[];

/* Reads `path`; a file that is not there is the built-in text. NULL on any error, with a line
 * "file:line: ..." for each in `errors`. */
struct services *services_load(const char *path, struct strbuf *errors);
struct services *services_parse(struct slice text, const char *name, struct strbuf *errors);
void services_free(struct services **servicesp);
const struct service_row *services_find(const struct services *services, const char *name);

/* The addresses that the row listens on. Returns how many; borrowed from row and conf. */
size_t service_binds(const struct service_row *row, const struct conf *conf, const char **out,
                     size_t max);

/* Port 60995 plus an offset of 60000 would be none. 0, or -1 with one line per such port in
 * `errors`; `name` stands for the file. */
int services_check_ports(const struct services *services, const char *name, uint64_t offset,
                         struct strbuf *errors);

#endif
