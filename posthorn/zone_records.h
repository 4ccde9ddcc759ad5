/*
 * posthorn/zone_records.h - the DNS records that a domain of ours should have.
 */
#ifndef POSTHORN_POSTHORN_ZONE_RECORDS_H
#define POSTHORN_POSTHORN_ZONE_RECORDS_H

#include "lib/conf/conf.h"
#include "lib/conf/instance.h"
#include "lib/conf/services.h"

struct zone_record {
    char *name; /* without the trailing dot */
    const char *type;
    char *value; /* as a zone file has it */
};
struct zone_records {
    struct zone_record *records;
    size_t count;
};

struct zone_source {
    const struct conf *conf;
    const struct services *services; /* what listens where */
    const struct instance *inst;
    const char *domain; /* A-labels */
};

/* MX, addresses of this host (those of its interfaces that the world can reach), SPF, DMARC,
 * TLS-RPT, TLSA of the certificate, SRV. DKIM's records prints posthorn/dkim_dns.h. */
struct zone_records zone_records_make(const struct zone_source *source);
void zone_records_free(struct zone_records *zone);

/* As rows of `table` (columns name, type, value); NULL: printed as a zone file has them. */
struct table;
void zone_records_print(const struct zone_records *zone, struct table *table);
/* tls.certificate, as a path; free() it. */
char *zone_certificate_path(const struct conf *conf, const struct instance *inst);

#endif
