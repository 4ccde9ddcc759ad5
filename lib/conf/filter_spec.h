/*
 * lib/conf/filter_spec.h - one milter or policy service as filter.milters and
 * filter.policy_services name it: a socket and its options,
 * "unix:/run/opendkim/socket;default=accept".
 */
#ifndef POSTHORN_LIB_CONF_FILTER_SPEC_H
#define POSTHORN_LIB_CONF_FILTER_SPEC_H

#include <stdint.h>

#include "lib/base/slice.h"

struct conf;

#define FILTER_SPECS_MAX 16 /* milters, and as many policy services */

/* What holds when the filter is away, silent or faulty. */
enum filter_default { FILTER_ACCEPT, FILTER_TEMPFAIL, FILTER_REJECT, FILTER_QUARANTINE };

enum filter_for { FILTER_FOR_INCOMING = 1, FILTER_FOR_SUBMISSION = 2, FILTER_FOR_ALL = 3 };
enum filter_at { FILTER_AT_RCPT = 1, FILTER_AT_DATA = 2 };

struct filter_spec {         /* slices borrow from the text */
    struct slice name;       /* for the log; without name= the socket */
    struct slice path;       /* of a Unix socket; or empty and */
    struct slice host, port; /* a host name or address without brackets, 1 to 65535 */
    uint64_t connect_ms, command_ms, content_ms; /* 0: the section's setting */
    int action;    /* enum filter_default; -1: the section's setting */
    unsigned whom; /* enum filter_for */
    unsigned at;   /* enum filter_at: when a policy service is asked */
};

/* 0, or -1: not of this form. `policy`: at= is allowed. */
int filter_spec_parse(struct slice text, bool policy, struct filter_spec *out);
enum filter_default filter_default_parse(struct slice word); /* one of the four words */

/* filter.milters or filter.policy_services with the section's values filled in: those that are for
 * `whom`. Returns how many; they borrow from `conf`. */
size_t filter_specs_load(const struct conf *conf, bool policy, unsigned whom,
                         struct filter_spec specs[FILTER_SPECS_MAX]);

#endif
