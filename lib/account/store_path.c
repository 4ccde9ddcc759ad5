/*
 * lib/account/store_path.c - where a user's mail lies below the store. No I/O.
 */
#include "lib/account/store_path.h"

#include "lib/base/crc32c.h"
#include "lib/base/encode.h"
#include "lib/ipc/local_deliver.h"

static bool
is_plain_in_path(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-' ||
           c == '+' || c == '=';
}

void
account_entry_path(enum account_kind kind, struct slice address, struct strbuf *path)
{
    struct slice local, domain;
    size_t at;

    at = slice_rindex(address, '@');
    local = slice_sub(address, 0, at);
    domain = slice_sub(address, at + 1, address.len);
    (void)strbuf_append(path, domain);
    (void)strbuf_printf(path, "/%02x/%s", (unsigned)(crc32c(0, local) & 0xff),
                        kind == ACCOUNT_PUBLIC ? STORE_PUBLIC_MARK : "");
    for (size_t i = 0; i < local.len; i++) {
        char c = local.ptr[i];

        if (is_plain_in_path(c) && !(i == 0 && c == '.'))
            (void)strbuf_char(path, c);
        else
            (void)strbuf_printf(path, "%%%02x", (unsigned)(unsigned char)c);
    }
}

void
account_store_path(struct slice address, struct strbuf *path)
{
    account_entry_path(ACCOUNT_USER, address, path);
}

int
account_path_address(struct slice path, struct strbuf *address)
{
    struct slice domain = slice_split(&path, '/');

    (void)slice_split(&path, '/');
    if (path.len == 0 || slice_starts(path, SLICE(STORE_PUBLIC_MARK)))
        return -1;
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];

        if (c == '%' && hex_decode(slice_sub(path, i + 1, i + 3), address) == 0)
            i += 2;
        else
            (void)strbuf_char(address, c);
    }
    return strbuf_char(address, '@') && strbuf_append(address, domain) ? 0 : -1;
}
