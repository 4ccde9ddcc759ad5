/*
 * lib/oper/oper.h - system operations: services, the queue, settings, logs, connections... of one
 * instance, for whoever may do everything there (operd, which does it for administrators whose
 * rights accountd has judged).
 *
 * A request has the form of ACCOUNTD_ADMIN (lib/ipc/accountd.h); kinds and what is told about each
 * are in lib/oper/kinds.def. Every value may come from the network: it is checked here. Blocks
 * until it is done, at most OPER_WAIT_MS.
 *
 *   list        service, connection, counter, queue, setting, certificate, location, log: page by
 *               page; fields "within" (of counters a service, of settings a section), "limit";
 *               of the queue also state, sender, recipient, domain; of counters "day" (what they
 *               did then); of figures counter, since, until, by
 *   show        queue: the message, then its recipients; setting; host; suite
 *   start stop restart    a service; reload: all of them (no name)
 *   set         service: startup, bind, ports, and "restart" yes; setting: fields are settings with
 *               their values, "unset" has names. Both are put in force, or nothing is changed.
 *   check       setting: the same without changing anything
 *   hold release retry delete   queue: ids in the field "ids", separated by spaces; with hold
 *               "reason", with release "at" (seconds since 1970)
 *   content     queue: a part of the message ("offset"), as the field "content" of one object
 *   read        log: its last lines ("lines", "search"); empty: a service's; delete: an old file
 *   test report alert: a trial message to everybody who is told of alerts; a report of now
 *   silence     alert: "time" like 4h, 0: it is heard again
 *   send        broadcast: "domain" (all, if it is empty), "subject", "content", "html" yes; the
 *               name is its id, which the caller chooses: one of it is sent once
 *   run show    synchronisation: of "domain"; "dry_run", "adopt", "force" yes
 *   add remove  list: "entries", a line each; list-entry: list "within" one
 *   find        location: of an address; add set remove: an own record, "first", "last",
 *               "location", "order"
 *   kick        connection: sessions by id, or "user", or "client"
 */
#ifndef POSTHORN_LIB_OPER_OPER_H
#define POSTHORN_LIB_OPER_OPER_H

#include "lib/conf/instance.h"
#include "lib/ipc/accountd.h"
#include "lib/oper/kinds.h"

enum {
    OPER_BAD = 1,     /* bad parameters */
    OPER_UNKNOWN = 2, /* there is no such thing */
    OPER_REFUSED = 3, /* it cannot be; the text says why */
    OPER_AWAY = ACCOUNTD_AWAY
};

#define OPER_TEXT_MAX 1000           /* of a reply's text */
#define OPER_DATA_MAX (384u << 10)   /* of its objects: authd's answers hold it */
#define OPER_PAGE_BYTES (192u << 10) /* a page ends when it has so many */
#define OPER_CONTENT_MAX (48u << 10) /* bytes of a message in one answer */
#define OPER_WAIT_MS 50000           /* for master or queue-manager */

/* A change that was made, for the record. Of a setting before and after, else what was given. */
struct oper_change {
    struct slice verb, kind, name, property, before, after;
};

struct oper {
    const struct instance *inst;
    const struct accountd_admin *request;
    enum oper_kind kind;
    uint32_t result;
    struct strbuf text, data, cursor;
    uint64_t seen;                                             /* rows of oper_list_row() */
    void (*told)(void *arg, const struct oper_change *change); /* may be NULL */
    void *arg;
};

/* `inst` and `request` are borrowed. */
struct oper oper_new(const struct instance *inst, const struct accountd_admin *request);
void oper_free(struct oper *op);
void oper_run(struct oper *op);

/* ---- for the functions behind it ---- */

__attribute__((format(printf, 3, 4))) void oper_fail(struct oper *op, uint32_t result,
                                                     const char *format, ...);
/* Takes the first line of what somebody else has said. */
void oper_fail_line(struct oper *op, uint32_t result, struct slice said);
struct slice oper_field(const struct oper *op, const char *name);
bool oper_page_full(const struct oper *op, uint64_t rows); /* never without a row */
/* The next row of a list that is made anew for each page: what an earlier page had is passed over,
 * and the cursor is the number of rows given. `arg` is the struct oper. */
void oper_list_row(void *arg, const struct object_field *fields, uint32_t count);
/* Tells of a change of the request's object. */
void oper_tell(struct oper *op, struct slice property, struct slice before, struct slice after);

void oper_services_list(struct oper *op);
void oper_services_set(struct oper *op);
void oper_services_do(struct oper *op); /* start, stop, restart, reload */

void oper_queue_list(struct oper *op);
void oper_queue_show(struct oper *op);
void oper_queue_content(struct oper *op);
void oper_queue_change(struct oper *op);

void oper_settings_list(struct oper *op);
void oper_settings_show(struct oper *op);
void oper_settings_set(struct oper *op);
void oper_settings_check(struct oper *op);

void oper_logs_list(struct oper *op);
void oper_logs_read(struct oper *op);
void oper_logs_empty(struct oper *op);
void oper_logs_delete(struct oper *op);

void oper_connections_list(struct oper *op);
void oper_connections_kick(struct oper *op);
void oper_counters_list(struct oper *op);
void oper_figures_list(struct oper *op);
void oper_figures_day(struct oper *op); /* counters with a field "day" */
void oper_certificates_list(struct oper *op);
void oper_certificates_show(struct oper *op);
void oper_certificates_content(struct oper *op);
void oper_certificates_make(struct oper *op);
void oper_certificates_import(struct oper *op);
void oper_certificates_activate(struct oper *op);
void oper_certificates_deactivate(struct oper *op);
void oper_certificates_remove(struct oper *op);
void oper_lists_list(struct oper *op);
void oper_lists_entries(struct oper *op);
void oper_lists_add(struct oper *op);
void oper_lists_remove(struct oper *op);
void oper_locations_list(struct oper *op);
void oper_locations_find(struct oper *op);
void oper_locations_change(struct oper *op); /* add, set */
void oper_locations_remove(struct oper *op);
void oper_alerts_list(struct oper *op);
void oper_alerts_test(struct oper *op);
void oper_alerts_silence(struct oper *op);
void oper_alerts_report(struct oper *op);
void oper_broadcasts_list(struct oper *op);
void oper_broadcasts_send(struct oper *op);
void oper_sync_run(struct oper *op);
void oper_sync_show(struct oper *op);
void oper_sync_rows(struct oper *op);
void oper_host_show(struct oper *op);
void oper_suite_show(struct oper *op);

#endif
