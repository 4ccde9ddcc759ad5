/*
 * lib/sys/session_table.h - who is connected to a service, for people to see.
 *
 * A file of rows below run/stats, mapped by the workers of a pool: each writes what it knows of the
 * session that it serves, without locks. A session that was taken over may write anything anywhere
 * there: readers show the rows, and believe them in nothing (posthorn/cmd_connections.c looks at
 * the process itself before it signals it).
 */
#ifndef POSTHORN_LIB_SYS_SESSION_TABLE_H
#define POSTHORN_LIB_SYS_SESSION_TABLE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SESSION_TABLE_PREFIX ".sessions-" /* of the file's name: then the service's */
#define SESSION_TABLE_USER 72
#define SESSION_TABLE_LABEL 16

struct session_table;

struct session_row {
    pid_t pid;
    int64_t since_ms; /* real time */
    bool tls;
    uint16_t client_port;
    char id[16], label[SESSION_TABLE_LABEL];
    char client_ip[48];
    char user[SESSION_TABLE_USER]; /* cut where it is longer; "": nobody has logged in */
};

/* The parent, before the sandbox and before it forks: a table of that many rows, as far as there is
 * room. NULL with errno: sessions are not shown. */
struct session_table *session_table_make(int stats_dirfd, const char *service, size_t rows);

/* The worker, about the one session that it serves. With a table NULL nothing happens; a full table
 * shows one session less. */
void session_table_begin(struct session_table *table, const struct session_row *row);
void session_table_tls(void);
void session_table_user(const char *user); /* "": nobody any more */
void session_table_end(void);
/* For whoever reaps workers: that one has ended, with a word or without. */
void session_table_forget(struct session_table *table, pid_t pid);

/* A reader: calls each() for the rows that are in use, printable text in them. 0, or -1 with errno.
 */
int session_table_read(int stats_dirfd, const char *service,
                       void (*each)(void *arg, const struct session_row *row), void *arg);

#endif
