/*
 * smtpd/params.c - parses what follows MAIL and RCPT (RFC 5321 section 4.1.2) with the parameters
 * of RFC 1870, 2852, 3030, 3461, 4865, 4954, 6152, 6531, 6710 and 8689.
 *
 * Input: a command line from the network. Untrusted. No I/O.
 */
#include "smtpd/params.h"

#include "lib/base/parse.h"
#include "lib/ipc/queue_manager.h"
#include "lib/mail/xtext.h"
#include "smtpd/params_terms.h"

enum { SIZE_VALUE_DIGITS = 20 }; /* size-value = 1*20DIGIT (RFC 1870 section 4) */

/* One parameter. `set` gets the value (empty slice without "=value"); -1: it is not valid. */
struct param {
    const char *name;
    bool takes_value;
    int (*set)(void *args, struct slice value);
    unsigned extension; /* that has to be offered; 0: always there */
    const char *dsn;    /* of a bad value; NULL: 5.5.4 */
};

static int
refuse(struct refusal *why, unsigned code, const char *dsn, const char *text)
{
    *why = (struct refusal){code, dsn, text};
    return -1;
}

static int
set_size(void *args, struct slice value)
{
    struct mail_args *mail = args;

    if (value.len > SIZE_VALUE_DIGITS)
        return -1;
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return -1;
    if (parse_u64(value, INT64_MAX, &mail->size) < 0)
        mail->size = INT64_MAX; /* right in form, and too big for anybody */
    return 0;
}

static int
set_body(void *args, struct slice value)
{
    static const struct {
        const char *name;
        enum body_type type;
    } types[] = {{"7BIT", BODY_7BIT}, {"8BITMIME", BODY_8BITMIME}, {"BINARYMIME", BODY_BINARYMIME}};
    struct mail_args *mail = args;

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (!slice_eq_nocase(value, slice_of(types[i].name)))
            continue;
        mail->body = types[i].type;
        return 0;
    }
    return -1;
}

static int
set_smtputf8(void *args, struct slice value)
{
    (void)value;
    ((struct mail_args *)args)->smtputf8 = true;
    return 0;
}

static int
set_ret(void *args, struct slice value)
{
    bool full = slice_eq_nocase(value, SLICE("FULL"));

    if (!full && !slice_eq_nocase(value, SLICE("HDRS")))
        return -1;
    ((struct mail_args *)args)->ret = full ? 1 : 2;
    return 0;
}

/* Before encoding the value is printable US-ASCII (RFC 3461 section 4.4). */
static int
set_envid(void *args, struct slice value)
{
    struct strbuf plain = strbuf_new(ENVID_MAX);
    int rc = -1;

    if (value.len <= ENVID_MAX && xtext_decode(value, &plain) == 0 &&
        parse_is_ascii_print(strbuf_slice(&plain))) {
        ((struct mail_args *)args)->envid = value;
        rc = 0;
    }
    strbuf_free(&plain);
    return rc;
}

/* AUTH=mailbox in xtext, or AUTH=<>. We trust no client to name another submitter, so the value is
 * checked and dropped (RFC 4954 section 5 allows that). */
static int
set_auth(void *args, struct slice value)
{
    struct strbuf plain = strbuf_new(ADDRESS_MAX);
    struct address address;
    int rc = -1;

    (void)args;
    if (slice_eq(value, SLICE("<>")))
        return 0;
    if (xtext_decode(value, &plain) == 0 &&
        address_parse(strbuf_slice(&plain), ADDRESS_UTF8, &address) == ADDRESS_OK)
        rc = 0;
    strbuf_free(&plain);
    return rc;
}

/* "NEVER", or a list of SUCCESS, FAILURE, DELAY (RFC 3461 section 4.1). */
static int
set_notify(void *args, struct slice value)
{
    static const struct {
        const char *name;
        uint8_t bit;
    } words[] = {{"SUCCESS", QUEUE_NOTIFY_SUCCESS},
                 {"FAILURE", QUEUE_NOTIFY_FAILURE},
                 {"DELAY", QUEUE_NOTIFY_DELAY}};
    uint8_t notify = 0;

    if (slice_eq_nocase(value, SLICE("NEVER"))) {
        ((struct rcpt_args *)args)->notify = QUEUE_NOTIFY_NEVER;
        return 0;
    }
    if (value.ptr[value.len - 1] == ',')
        return -1;
    while (value.len > 0) {
        struct slice word = slice_split(&value, ',');
        uint8_t bit = 0;

        for (size_t i = 0; i < ARRAY_LEN(words); i++)
            if (slice_eq_nocase(word, slice_of(words[i].name)))
                bit = words[i].bit;
        if (bit == 0)
            return -1;
        notify |= bit;
    }
    ((struct rcpt_args *)args)->notify = notify;
    return 0;
}

static bool
is_atom_char(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
}

/* addr-type ";" xtext (RFC 3461 section 4.2). Type "utf-8" has encodings of its own, with UTF-8
 * bytes and \x{HEX} in them (RFC 6533 section 3): printable and valid UTF-8 is all we ask there. */
static int
set_orcpt(void *args, struct slice value)
{
    size_t semicolon = slice_index(value, ';');
    struct slice type = slice_sub(value, 0, semicolon);
    struct slice rest = slice_sub(value, semicolon + 1, value.len);

    if (value.len > ORCPT_MAX || type.len == 0 || rest.len == 0)
        return -1;
    for (size_t i = 0; i < type.len; i++)
        if (!is_atom_char(type.ptr[i]))
            return -1;
    if (slice_eq_nocase(type, SLICE("utf-8")) ? !parse_is_utf8(rest) : !xtext_is_valid(rest))
        return -1;
    ((struct rcpt_args *)args)->orcpt = value;
    return 0;
}

static const struct param mail_params[] = {
    {"SIZE", true, set_size, 0, NULL},          /* RFC 1870 */
    {"BODY", true, set_body, 0, NULL},          /* RFC 6152, RFC 3030 */
    {"SMTPUTF8", false, set_smtputf8, 0, NULL}, /* RFC 6531 */
    {"RET", true, set_ret, 0, NULL},            /* RFC 3461 */
    {"ENVID", true, set_envid, 0, NULL},        /* RFC 3461 */
    {"AUTH", true, set_auth, 0, NULL},          /* RFC 4954 */
    {"REQUIRETLS", false, params_set_requiretls, EXTENSION_REQUIRETLS, NULL},   /* RFC 8689 */
    {"HOLDFOR", true, params_set_holdfor, EXTENSION_FUTURERELEASE, NULL},       /* RFC 4865 */
    {"HOLDUNTIL", true, params_set_holduntil, EXTENSION_FUTURERELEASE, NULL},   /* RFC 4865 */
    {"BY", true, params_set_by, EXTENSION_DELIVERBY, NULL},                     /* RFC 2852 */
    {"MT-PRIORITY", true, params_set_priority, EXTENSION_MT_PRIORITY, "5.5.2"}, /* RFC 6710 */
};

static const struct param rcpt_params[] = {
    {"NOTIFY", true, set_notify, 0, NULL}, /* RFC 3461 */
    {"ORCPT", true, set_orcpt, 0, NULL},   /* RFC 3461 */
};

/* esmtp-value = 1*(%d33-60 / %d62-126 / UTF8-non-ascii) (RFC 5321, RFC 6531 section 3.3). */
static bool
is_esmtp_value(struct slice value)
{
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] < 33 || value.ptr[i] == '=' || value.ptr[i] == 127)
            return false;
    return value.len > 0;
}

struct param_table {
    const struct param *params;
    size_t count;
    unsigned offered;
};

static const struct param *
find_param(const struct param_table *table, struct slice name)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct param *p = &table->params[i];

        if (slice_eq_nocase(name, slice_of(p->name)))
            return (p->extension & ~table->offered) == 0 ? p : NULL;
    }
    return NULL;
}

static int
apply_param(struct slice text, const struct param_table *table, unsigned *seen, void *args,
            struct refusal *why)
{
    size_t equals = slice_index(text, '=');
    bool has_value = equals < text.len;
    struct slice name = slice_sub(text, 0, equals);
    struct slice value = slice_sub(text, equals + 1, text.len);
    const struct param *p = find_param(table, name);
    const char *dsn;
    unsigned bit;

    if (p == NULL) /* RFC 5321 section 4.1.1.11 */
        return refuse(why, 555, "5.5.4", "parameter not recognized");
    dsn = p->dsn != NULL ? p->dsn : "5.5.4";
    bit = 1u << (p - table->params);
    if (*seen & bit)
        return refuse(why, 501, dsn, "parameter given twice");
    *seen |= bit;
    if (has_value != p->takes_value || (has_value && !is_esmtp_value(value)) ||
        p->set(args, value) < 0)
        return refuse(why, 501, dsn, "bad parameter value");
    return 0;
}

/* `text` is what follows the path: nothing, or SP and parameters separated by one space. */
static int
apply_params(struct slice text, bool extended, const struct param_table *table, void *args,
             struct refusal *why)
{
    unsigned seen = 0;

    if (text.len == 0)
        return 0;
    if (text.ptr[0] != ' ')
        return refuse(why, 501, "5.5.4", "syntax: text behind the address");
    if (!extended)
        return refuse(why, 555, "5.5.4", "parameters need EHLO");
    while (text.len > 0) {
        struct slice param;

        text = slice_sub(text, 1, text.len);
        param = slice_sub(text, 0, slice_index(text, ' '));
        if (param.len == 0)
            return refuse(why, 501, "5.5.4", "syntax: one space between parameters");
        if (apply_param(param, table, &seen, args, why) < 0)
            return -1;
        text = slice_sub(text, param.len, text.len);
    }
    return 0;
}

static int
refuse_path(struct refusal *why, enum address_status status, const char *dsn)
{
    if (status == ADDRESS_TOO_LONG)
        return refuse(why, 501, dsn, "address too long");
    return refuse(why, 501, dsn, "bad address syntax");
}

int
mail_args_parse(struct slice text, const struct param_rules *rules, struct mail_args *args,
                struct refusal *why)
{
    const struct param_table table = {mail_params, ARRAY_LEN(mail_params), rules->offered};
    enum address_status status;

    *args = (struct mail_args){.body = BODY_7BIT};
    if (!slice_starts_nocase(text, SLICE("FROM:")))
        return refuse(why, 501, "5.5.4", "syntax: MAIL FROM:<address>");
    text = slice_sub(text, 5, text.len);
    status = address_parse_path(&text, ADDRESS_NULL | ADDRESS_UTF8, &args->sender);
    if (status != ADDRESS_OK)
        return refuse_path(why, status, "5.1.7");
    args->params = slice_trim(text);
    if (apply_params(text, rules->extended, &table, args, why) < 0)
        return -1;
    if (args->sender.is_utf8 && !args->smtputf8) /* RFC 6531 section 3.5 */
        return refuse(why, 550, "5.6.7", "non-ASCII address needs SMTPUTF8");
    return 0;
}

int
rcpt_args_parse(struct slice text, const struct param_rules *rules, bool utf8,
                struct rcpt_args *args, struct refusal *why)
{
    const struct param_table table = {rcpt_params, ARRAY_LEN(rcpt_params), rules->offered};
    enum address_status status;

    *args = (struct rcpt_args){.notify = 0};
    if (!slice_starts_nocase(text, SLICE("TO:")))
        return refuse(why, 501, "5.5.4", "syntax: RCPT TO:<address>");
    text = slice_sub(text, 3, text.len);
    status = address_parse_path(&text, ADDRESS_POSTMASTER | ADDRESS_UTF8, &args->recipient);
    if (status != ADDRESS_OK)
        return refuse_path(why, status, "5.1.3");
    args->params = slice_trim(text);
    if (args->recipient.is_utf8 && !utf8) /* RFC 6531 section 3.5 */
        return refuse(why, 553, "5.6.7", "non-ASCII address needs SMTPUTF8");
    if (apply_params(text, rules->extended, &table, args, why) < 0)
        return -1;
    if (!utf8 && !parse_is_ascii_print(args->orcpt)) /* RFC 6533 section 3 */
        return refuse(why, 501, "5.6.7", "non-ASCII ORCPT needs SMTPUTF8");
    return 0;
}
