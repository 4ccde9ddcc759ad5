/*
 * lib/api/api.h - the calls of the administrative API (lib/api/api.def), and what comes of them:
 * parameters checked and turned into what accountd takes, the OpenAPI description, the manual.
 */
#ifndef POSTHORN_LIB_API_API_H
#define POSTHORN_LIB_API_API_H

#include "lib/account/rights.h"
#include "lib/account/schema.h"
#include "lib/ipc/object.h"
#include "lib/oper/kinds.h"

enum {
    API_BAD_PARAMETERS =
        1,          /* results that every call may have; 100 and above: lib/ipc/accountd.h */
    API_SUPER = -1, /* in the place of a function */
    API_ANY = -2,
};

/* In the place of a kind of account: one of lib/oper/kinds.def. */
#define API_OF(oper_kind) (1000 + (int)(oper_kind))

enum api_call_id {
#define CALL(id, name, right, verb, kind, help) id,
#define PARAM(call, name, type, min, max, flags, to, choices, help)
#define RESULT(call, number, meaning)
#include "lib/api/api.def"
#undef CALL
#undef PARAM
#undef RESULT
    API_CALL_COUNT
};

enum api_type {
    API_TEXT,   /* JSON string, without control characters (but see API_LINES) */
    API_NUMBER, /* JSON number without fraction */
    API_BOOL,   /* true, false */
    API_KILO,   /* number of KiB: the property is bytes */
    API_NOT,    /* 0 or 1: the property is yes with 0 */
    API_STAMP,  /* seconds since 1970: the property is a day; 0: empty */
    API_CHOICE, /* number: the n-th of the choices */
    API_OBJECT, /* JSON object of strings, numbers and booleans */
};

enum api_flag { API_NEEDED = 1, API_HIDDEN = 2, API_LINES = 4 /* a text of several lines */ };

/* In the place of a property. */
#define API_USER "@user"     /* the name before the @ */
#define API_DOMAIN "@domain" /* and behind it */
#define API_NAME "@name"     /* the whole name */

struct api_param {
    enum api_call_id call;
    const char *name;
    enum api_type type;
    uint64_t min, max;
    unsigned flags;
    const char *to; /* NULL: the call's own function takes it */
    const char *choices, *help;
};

struct api_call {
    const char *name;
    int right;        /* API_SUPER, API_ANY or enum account_right */
    const char *verb; /* NULL: a function of its own */
    int kind;         /* enum account_kind, or API_OF(enum oper_kind) */
    const char *help;
};

extern const struct api_call api_calls[API_CALL_COUNT];

int api_call_find(struct slice name);          /* enum api_call_id, or -1 */
int api_call_oper_kind(enum api_call_id call); /* enum oper_kind, or -1: it is about accounts */
/* The parameters of a call are [return value, *count). */
const struct api_param *api_params_of(enum api_call_id call, size_t *count);

/* The n-th result that is the call's own: what it means; NULL: there are no more. */
const char *api_result_meaning(enum api_call_id call, size_t n, unsigned *number);

/* May an administrator of this type (and with these functions) use the call at all? What it may be
 * used for is accountd's decision. */
bool api_allows(enum api_call_id call, const struct record *admin);

/* The description of the API by OpenAPI 3.1, as JSON. */
void api_openapi(struct strbuf *out, const char *version);
/* The same as manual page posthorn-api(7). */
void api_manual(struct strbuf *out);
/* The calls as functions of the C library (include/posthorn.h). */
void api_c_header(struct strbuf *out);
void api_c_source(struct strbuf *out);
/* The same as plain text: all calls, one line each, or everything about one (-1: none). */
void api_text(struct strbuf *out, int call);

#endif
