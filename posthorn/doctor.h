/*
 * posthorn/doctor.h - the parts of `doctor`. Each adds rows; none changes anything.
 */
#ifndef POSTHORN_POSTHORN_DOCTOR_H
#define POSTHORN_POSTHORN_DOCTOR_H

#include "lib/conf/conf.h"
#include "lib/conf/services.h"
#include "posthorn/command.h"
#include "posthorn/output.h"

/* HINT: would be good to have. */
enum doctor_result { DOCTOR_OK, DOCTOR_HINT, DOCTOR_WARN, DOCTOR_FAIL };

struct doctor {
    struct cli *cli;
    struct conf *conf;         /* NULL: it has errors */
    struct services *services; /* NULL: it has errors */
    bool running;
    struct table *table;  /* rows go here, or */
    struct strbuf *lines; /* here, if it is there: result, check and text with tabs between */
    unsigned warnings, failures;
};

/* A row: `check` is a stable name ("disk"), the text says what was found and what to do. */
__attribute__((format(printf, 4, 5))) void doctor_note(struct doctor *d, enum doctor_result result,
                                                       const char *check, const char *format, ...);

void doctor_files(struct doctor *d);       /* there, owner, mode; free space */
void doctor_certificate(struct doctor *d); /* key, validity, name; old versions of TLS */
void doctor_acme(struct doctor *d);        /* the way to an authority, and what is renewed when */
void doctor_secrets(struct doctor *d);     /* passwords of the configuration: sealed, opening */
void doctor_firewall(struct doctor *d);    /* does it take blocked addresses? */
void doctor_ports(struct doctor *d);       /* answering when running, free when not */
void doctor_clock(struct doctor *d);
void doctor_relay(struct doctor *d);   /* closed for strangers */
void doctor_queue(struct doctor *d);   /* what waits, and why */
void doctor_way_out(struct doctor *d); /* relay hosts, and a server outside, can be reached */
/* `domain`: A-labels. Is it ours; what the world finds, and should find. */
void doctor_domain(struct doctor *d, const char *domain);
void doctor_dns(struct doctor *d, const char *domain);
/* What makes that user's mailbox slow. CLI_OK, or CLI_FAILED after the message. */
int doctor_slow(struct doctor *d, const char *address);

/* Looks again every `interval_ms` and prints what has changed, until a signal ends it. `look` runs
 * in a child, with lines to fill. An exit code. */
struct doctor_watch {
    struct cli *cli;
    int64_t interval_ms;
    void (*look)(struct cli *cli, struct strbuf *lines, void *arg);
    void *arg;
};
int doctor_watch(const struct doctor_watch *watch);

#endif
