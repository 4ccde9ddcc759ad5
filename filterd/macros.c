/*
 * filterd/macros.c - name and value of each macro that we know.
 *
 * Names of one letter are said bare, longer ones in braces, as libmilter's smfi_getsymval wants
 * them.
 */
#include "filterd/macros.h"

#include "lib/base/mem.h"

#define VALUE_MAX 4096

static void
put(struct strbuf *out, struct slice text)
{
    (void)strbuf_append(out, text); /* overflow is remembered and seen by the writer */
}

static void
put_number(struct strbuf *out, uint64_t value)
{
    if (value > 0)
        (void)strbuf_u64(out, value);
}

static void
host_of(struct strbuf *out, struct slice address)
{
    size_t at = slice_rindex(address, '@');

    put(out, slice_sub(address, at + 1, address.len));
}

static void
say_hostname(struct strbuf *out, const struct facts *f)
{
    put(out, f->hostname);
}

static void
say_daemon_name(struct strbuf *out, const struct facts *f)
{
    put(out, f->connect.is_submission ? SLICE("submission") : SLICE("smtp"));
}

static void
say_daemon_addr(struct strbuf *out, const struct facts *f)
{
    put(out, f->connect.local_ip);
}

static void
say_daemon_port(struct strbuf *out, const struct facts *f)
{
    put_number(out, f->connect.local_port);
}

static void
say_version(struct strbuf *out, const struct facts *f)
{
    (void)f;
    put(out, SLICE("Posthorn"));
}

/* "mail.example.org [192.0.2.1]" */
static void
say_peer(struct strbuf *out, const struct facts *f)
{
    (void)strbuf_printf(out, "%.*s [%.*s]", (int)f->client_name.len, f->client_name.ptr,
                        (int)f->connect.client_ip.len, f->connect.client_ip.ptr);
}

static void
say_client_addr(struct strbuf *out, const struct facts *f)
{
    put(out, f->connect.client_ip);
}

static void
say_client_port(struct strbuf *out, const struct facts *f)
{
    put_number(out, f->connect.client_port);
}

static void
say_client_name(struct strbuf *out, const struct facts *f)
{
    put(out, f->client_name);
}

static void
say_client_ptr(struct strbuf *out, const struct facts *f)
{
    put(out, f->reverse_name);
}

/* OK: the address has a name that leads back to it; FORGED: it leads elsewhere. */
static void
say_client_resolve(struct strbuf *out, const struct facts *f)
{
    if (!slice_eq(f->client_name, SLICE("unknown")))
        put(out, SLICE("OK"));
    else
        put(out, slice_eq(f->reverse_name, SLICE("unknown")) ? SLICE("FAIL") : SLICE("FORGED"));
}

static void
say_helo(struct strbuf *out, const struct facts *f)
{
    put(out, f->helo.name);
}

static void
say_tls_version(struct strbuf *out, const struct facts *f)
{
    put(out, f->helo.tls_version);
}

static void
say_cipher(struct strbuf *out, const struct facts *f)
{
    put(out, f->helo.tls_cipher);
}

static void
say_cipher_bits(struct strbuf *out, const struct facts *f)
{
    put_number(out, f->helo.tls_bits);
}

static void
say_queue_id(struct strbuf *out, const struct facts *f)
{
    put(out, f->content.queue_id);
}

static void
say_auth_type(struct strbuf *out, const struct facts *f)
{
    put(out, f->mail.auth_method);
}

static void
say_auth_user(struct strbuf *out, const struct facts *f)
{
    put(out, f->mail.auth_user);
}

static void
say_mail_addr(struct strbuf *out, const struct facts *f)
{
    put(out, f->mail.sender);
}

static void
say_mail_host(struct strbuf *out, const struct facts *f)
{
    host_of(out, f->mail.sender);
}

static void
say_mail_mailer(struct strbuf *out, const struct facts *f)
{
    (void)f;
    put(out, SLICE("esmtp"));
}

/* Of a recipient that was refused already: the mailer "error", and why (libmilter's STEP of
 * rejected recipients). */
static void
say_rcpt_addr(struct strbuf *out, const struct facts *f)
{
    put(out, f->rcpt.code == 0 ? f->rcpt.address : f->rcpt.text);
}

static void
say_rcpt_host(struct strbuf *out, const struct facts *f)
{
    if (f->rcpt.code == 0)
        host_of(out, f->rcpt.address);
    else
        put(out, f->rcpt.dsn);
}

static void
say_rcpt_mailer(struct strbuf *out, const struct facts *f)
{
    if (f->rcpt.address.len == 0)
        return;
    if (f->rcpt.code != 0)
        put(out, SLICE("error"));
    else
        put(out, f->rcpt.is_local ? SLICE("local") : SLICE("esmtp"));
}

static void
say_rcpt_count(struct strbuf *out, const struct facts *f)
{
    put_number(out, f->rcpt_count);
}

static void
say_size(struct strbuf *out, const struct facts *f)
{
    put_number(out, f->content.size);
}

#define AT(stage) (1u << (stage))
#define FROM_MAIL                                                                                  \
    (AT(MACROS_MAIL) | AT(MACROS_RCPT) | AT(MACROS_DATA) | AT(MACROS_HEADERS_END) | AT(MACROS_END))

static const struct {
    const char *name;
    unsigned usual; /* at these stages it is said without being asked for */
    void (*say)(struct strbuf *out, const struct facts *facts);
} macros[] = {
    {"j", AT(MACROS_CONNECT), say_hostname},
    {"{daemon_name}", AT(MACROS_CONNECT), say_daemon_name},
    {"{daemon_addr}", AT(MACROS_CONNECT), say_daemon_addr},
    {"{daemon_port}", AT(MACROS_CONNECT), say_daemon_port},
    {"v", AT(MACROS_CONNECT), say_version},
    {"_", AT(MACROS_CONNECT), say_peer},
    {"{client_addr}", AT(MACROS_CONNECT), say_client_addr},
    {"{client_port}", AT(MACROS_CONNECT), say_client_port},
    {"{client_name}", AT(MACROS_CONNECT), say_client_name},
    {"{client_ptr}", AT(MACROS_CONNECT), say_client_ptr},
    {"{client_resolve}", AT(MACROS_CONNECT), say_client_resolve},
    {"s", 0, say_helo},
    {"{tls_version}", AT(MACROS_HELO), say_tls_version},
    {"{cipher}", AT(MACROS_HELO), say_cipher},
    {"{cipher_bits}", AT(MACROS_HELO), say_cipher_bits},
    {"i", FROM_MAIL, say_queue_id},
    {"{auth_type}", AT(MACROS_MAIL), say_auth_type},
    {"{auth_authen}", AT(MACROS_MAIL), say_auth_user},
    {"{auth_author}", AT(MACROS_MAIL), say_auth_user},
    {"{mail_addr}", AT(MACROS_MAIL), say_mail_addr},
    {"{mail_host}", AT(MACROS_MAIL), say_mail_host},
    {"{mail_mailer}", AT(MACROS_MAIL), say_mail_mailer},
    {"{rcpt_addr}", AT(MACROS_RCPT), say_rcpt_addr},
    {"{rcpt_host}", AT(MACROS_RCPT), say_rcpt_host},
    {"{rcpt_mailer}", AT(MACROS_RCPT), say_rcpt_mailer},
    {"{nrcpts}", 0, say_rcpt_count},
    {"{msg_size}", 0, say_size},
};

/* "i" and "{i}", "auth_type" and "{auth_type}" are the same name. */
static struct slice
bare(struct slice name)
{
    if (slice_starts(name, SLICE("{")) && slice_ends(name, SLICE("}")))
        return slice_sub(name, 1, name.len - 1);
    return name;
}

/* Names are separated by white space or commas. */
static bool
is_wanted(struct slice wanted, struct slice name)
{
    size_t at = 0;

    while (at < wanted.len) {
        size_t from = at;

        while (at < wanted.len && wanted.ptr[at] != ' ' && wanted.ptr[at] != ',' &&
               wanted.ptr[at] != '\t')
            at++;
        if (slice_eq(bare(slice_sub(wanted, from, at)), bare(name)))
            return true;
        at++;
    }
    return false;
}

void
macros_append(struct strbuf *out, enum packet_command command, enum packet_macro_stage stage,
              struct slice wanted, const struct facts *facts)
{
    size_t begin = packet_begin(out, PACKET_MACROS), empty;
    struct strbuf value = strbuf_new(VALUE_MAX);

    (void)strbuf_char(out, (char)command);
    empty = out->len;
    for (size_t i = 0; i < ARRAY_LEN(macros); i++) {
        struct slice name = slice_of(macros[i].name);

        if (wanted.ptr != NULL ? !is_wanted(wanted, name) : (macros[i].usual & AT(stage)) == 0)
            continue;
        strbuf_clear(&value);
        macros[i].say(&value, facts);
        if (value.len == 0)
            continue;
        packet_string(out, name);
        packet_string(out, strbuf_slice(&value));
    }
    if (out->len == empty)
        strbuf_truncate(out, begin);
    else
        packet_end(out, begin);
    strbuf_free(&value);
}
