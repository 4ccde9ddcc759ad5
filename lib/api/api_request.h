/*
 * lib/api/api_request.h - the parameters of one call, from JSON (RFC 8259), checked by the table.
 *
 * Untrusted input. An object that is no JSON, that has a name twice or one that the call does not
 * know, a value of another type or beyond its range: an error that says which.
 */
#ifndef POSTHORN_LIB_API_API_REQUEST_H
#define POSTHORN_LIB_API_API_REQUEST_H

#include "lib/api/api.h"

#define API_PARAMS_MAX 16
#define API_BODY_MAX (256u << 10) /* bytes of JSON */

struct api_value {
    bool given;
    struct slice text; /* API_TEXT; of other types what the property gets */
    uint64_t number;
};

struct api_request {
    enum api_call_id call;
    struct api_value values[API_PARAMS_MAX];       /* in the table's order */
    struct strbuf name;                            /* from API_USER, API_DOMAIN, API_NAME */
    struct object_field fields[OBJECT_FIELDS_MAX]; /* from properties and API_OBJECT */
    uint32_t field_count;
    struct api_text *texts; /* what is owned */
};

/* Before a sandbox: the library wants a seed for its hash tables. */
void api_request_init(void);
/* `json` may be empty: no parameters. 0, or -1 with one line in `error`; freed in either case. */
int api_request_parse(struct api_request *request, enum api_call_id call, struct slice json,
                      struct strbuf *error);
void api_request_free(struct api_request *request); /* wipes */
/* The value of a parameter; NULL: the call has none of that name. */
const struct api_value *api_request_find(const struct api_request *request, const char *param);
/* The value of a parameter of the call; it has to be one. */
const struct api_value *api_request_value(const struct api_request *request, const char *param);

#endif
