/*
 * lib/sts/sts_policy.h - MTA-STS records and policies (RFC 8461 section 3). Parsers, no I/O.
 */
#ifndef POSTHORN_LIB_STS_STS_POLICY_H
#define POSTHORN_LIB_STS_STS_POLICY_H

#include <stdint.h>

#include "lib/base/strbuf.h"

#define STS_ID_MAX 32
#define STS_MX_MAX 128            /* patterns of one policy */
#define STS_TEXT_MAX 65536        /* bytes of a policy, RFC 8461 section 3.3 */
#define STS_MAX_AGE_MAX 31557600u /* seconds */

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };

struct sts_policy {
    enum sts_mode mode;
    uint32_t max_age_s;
    struct slice mx[STS_MX_MAX]; /* "mx.d.test" or "*.d.test" */
    size_t mx_count;
};

/* The id of one TXT record at _mta-sts.DOMAIN. 0; 1: the record is about something else; -1: it is
 * one of MTA-STS and damaged. */
int sts_record_parse(struct slice record, struct slice *id);
/* The policy file's text; `policy` borrows from it. NULL, or what is wrong with it. */
const char *sts_policy_parse(struct slice text, struct sts_policy *policy);
/* Section 4.1: "*" stands for one label, the first. */
bool sts_policy_allows(const struct sts_policy *policy, struct slice host);
const char *sts_mode_word(enum sts_mode mode);

#endif
