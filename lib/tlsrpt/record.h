/*
 * lib/tlsrpt/record.h - where a domain wants its TLS reports (RFC 8460 section 3). Parser, no I/O.
 */
#ifndef POSTHORN_LIB_TLSRPT_RECORD_H
#define POSTHORN_LIB_TLSRPT_RECORD_H

#include "lib/base/strbuf.h"

#define TLSRPT_PLACES_MAX 4 /* of one record; further ones are left out */
#define TLSRPT_URI_MAX 1024
#define TLSRPT_HOST_MAX 253

enum tlsrpt_scheme { TLSRPT_MAILTO, TLSRPT_HTTPS };

struct tlsrpt_place {
    enum tlsrpt_scheme scheme;
    struct slice uri; /* as the record has it; borrowed */
};
struct tlsrpt_record {
    struct tlsrpt_place places[TLSRPT_PLACES_MAX];
    size_t count;
};

/* One TXT record at _smtp._tls.DOMAIN. 0; 1: it is about something else; -1: it is one of TLS-RPT
 * and damaged, or names no place that we know how to reach. */
int tlsrpt_record_parse(struct slice record, struct tlsrpt_record *out);
/* "mailto:a%40b@d.test?subject=x" (RFC 6068) to an address that SMTP can take, appended to `out`.
 * 0, or -1. Header fields that it wants are left out, and so is every address but the first. */
int tlsrpt_mailto(struct slice uri, struct strbuf *out);
/* "https://HOST/PATH" (RFC 9110 section 4.2.2): the host in lower case into `host`, path and query
 * into `path`. 0, or -1: not of this form; there is a user, a port other than 443, or an address in
 * place of the name, which no report needs and which would lead elsewhere than to a web server. */
int tlsrpt_https(struct slice uri, struct strbuf *host, struct strbuf *path);

#endif
