/*
 * stsd/report.h - a TLS report about one domain as JSON, and the mail that carries it (RFC 8460
 * sections 4.4 and 5).
 */
#ifndef POSTHORN_STSD_REPORT_H
#define POSTHORN_STSD_REPORT_H

#include "stsd/tally.h"

#define REPORT_MAX (16u << 20)
#define REPORT_NAME_MAX 700 /* bytes of a file name or an id */

struct report_author {
    const char *organization; /* any text */
    const char *contact;      /* an address */
    const char *submitter;    /* its domain, A-labels */
    const char *hostname;
};

struct report {
    const struct report_author *author;
    const struct tally *tally;
    const struct tally_domain *domain;
    bool whole_day; /* else the day is still running, and the report a preview with another id */
    int64_t now_ms;
    char id[REPORT_NAME_MAX];   /* "2026-11-27.d.test@mail.e.test" */
    char file[REPORT_NAME_MAX]; /* section 5.1: "mail.e.test!d.test!...!....json.gz" */
};

/* Fills in id and file. */
void report_name(struct report *report);
/* Appends the JSON text. */
void report_json(const struct report *report, struct strbuf *out);
/* Appends a whole message to `to` with the gzipped JSON: trace fields as every queue file has them,
 * header, text and attachment. */
void report_mail(const struct report *report, struct slice gzipped, struct slice to,
                 const char *queue_id, struct strbuf *out);

#endif
