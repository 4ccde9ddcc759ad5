/*
 * lib/tlsrpt/record.c - parses TLS-RPT records and the URIs in them.
 *
 * Input: written by whoever owns the recipient's domain. No I/O.
 */
#include "lib/tlsrpt/record.h"

#include "lib/base/encode.h"
#include "lib/base/txt_record.h"
#include "lib/mail/address.h"

/* ---- the record ---- */

static void
add_place(struct tlsrpt_record *out, struct slice uri)
{
    enum tlsrpt_scheme scheme;

    if (slice_starts_nocase(uri, SLICE("mailto:")))
        scheme = TLSRPT_MAILTO;
    else if (slice_starts_nocase(uri, SLICE("https://")))
        scheme = TLSRPT_HTTPS;
    else
        return;
    if (uri.len <= TLSRPT_URI_MAX && out->count < TLSRPT_PLACES_MAX)
        out->places[out->count++] = (struct tlsrpt_place){scheme, uri};
}

static void
add_places(struct tlsrpt_record *out, struct slice list)
{
    while (list.len > 0)
        add_place(out, slice_trim(slice_split(&list, ',')));
}

/* Section 3: "v=TLSRPTv1" first, then fields in any order; unknown ones are ignored. */
int
tlsrpt_record_parse(struct slice record, struct tlsrpt_record *out)
{
    struct slice name, value;
    int more;

    *out = (struct tlsrpt_record){.count = 0};
    if (!txt_record_is(&record, SLICE("v=TLSRPTv1")))
        return 1;
    while ((more = txt_record_next(&record, &name, &value)) > 0)
        if (slice_eq(name, SLICE("rua")))
            add_places(out, value);
    return more == 0 && out->count > 0 ? 0 : -1;
}

/* ---- URIs ---- */

/* RFC 3986 section 2.1. */
static bool
decode_percent(struct slice text, struct strbuf *out)
{
    for (size_t i = 0; i < text.len; i++) {
        int high, low;

        if (text.ptr[i] != '%') {
            if (!strbuf_char(out, text.ptr[i]))
                return false;
            continue;
        }
        if (i + 2 >= text.len)
            return false;
        high = hex_value(text.ptr[i + 1]);
        low = hex_value(text.ptr[i + 2]);
        if (high < 0 || low < 0 || !strbuf_char(out, (char)(high << 4 | low)))
            return false;
        i += 2;
    }
    return true;
}

int
tlsrpt_mailto(struct slice uri, struct strbuf *out)
{
    struct strbuf text = strbuf_new(ADDRESS_MAX);
    struct slice rest = slice_sub(uri, sizeof("mailto:") - 1, uri.len);
    struct slice first = slice_split(&rest, '?');
    struct address address;
    int rc = -1;

    if (decode_percent(slice_split(&first, ','), &text) &&
        address_parse(strbuf_slice(&text), 0, &address) == ADDRESS_OK && !address.is_literal &&
        strbuf_append(out, address.text))
        rc = 0;
    strbuf_free(&text);
    return rc;
}

/* What may stand in a request line; a fragment is the client's own. */
static bool
is_target(struct slice path)
{
    for (size_t i = 0; i < path.len; i++)
        if ((unsigned char)path.ptr[i] <= ' ' || (unsigned char)path.ptr[i] > '~')
            return false;
    return true;
}

/* A name whose last label is no number: those are addresses (RFC 3986 section 3.2.2). */
static bool
is_host(struct slice host)
{
    size_t dot = slice_rindex(host, '.');
    char first = dot + 1 < host.len ? host.ptr[dot + 1] : '0';

    return host.len <= TLSRPT_HOST_MAX && dot < host.len && address_is_domain(host, false) &&
           !(first >= '0' && first <= '9');
}

int
tlsrpt_https(struct slice uri, struct strbuf *host, struct strbuf *path)
{
    struct slice rest = slice_sub(uri, sizeof("https://") - 1, uri.len), authority;
    size_t end = 0;

    rest = slice_split(&rest, '#');
    while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
        end++;
    authority = slice_sub(rest, 0, end);
    rest = slice_sub(rest, end, rest.len);
    if (slice_ends(authority, SLICE(":443")))
        authority = slice_sub(authority, 0, authority.len - 4);
    if (!is_host(authority) || !is_target(rest))
        return -1;
    for (size_t i = 0; i < authority.len; i++) {
        char c = authority.ptr[i];

        (void)strbuf_char(host, c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c);
    }
    if (rest.len == 0 || rest.ptr[0] != '/')
        (void)strbuf_char(path, '/');
    (void)strbuf_append(path, rest);
    return host->overflow || path->overflow ? -1 : 0;
}
