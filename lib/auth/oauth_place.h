/*
 * lib/auth/oauth_place.h - where an issuer's keys are, or who introspects its tokens:
 * https://HOST[:PORT]/PATH, or file:NAME.
 */
#ifndef POSTHORN_LIB_AUTH_OAUTH_PLACE_H
#define POSTHORN_LIB_AUTH_OAUTH_PLACE_H

#include <stdint.h>

#include "lib/base/slice.h"

#define OAUTH_PLACE_MAX 300

struct oauth_place {
    bool is_file;
    struct slice host; /* borrowed from the text, like the others; of a file the name */
    uint16_t port;
    struct slice path; /* with its slash and query */
};
/* 0, or -1: it is neither. */
int oauth_place_parse(struct slice text, struct oauth_place *out);

#endif
