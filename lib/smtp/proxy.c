/*
 * lib/smtp/proxy.c - the SOCKS server of the configuration.
 *
 * Settings and password file are the administrator's; what DNS says is untrusted.
 */
#include "lib/smtp/proxy.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/conf/secret_file.h"
#include "lib/ipc/dnsd.h"
#include "lib/mail/address.h"

/* One line. */
static int
take_password(struct proxy *proxy, const char *path, struct slice text, struct strbuf *error)
{
    struct slice line = slice_trim(text);

    if (line.len == 0 || line.len > SOCKS_LOGIN_MAX || slice_index(line, '\n') < line.len ||
        slice_index(line, '\0') < line.len) {
        (void)strbuf_printf(error, "%s: expected one line of at most 255 bytes", path);
        return -1;
    }
    proxy->password = xslicedup(line);
    proxy->socks.password = proxy->password;
    return 0;
}

static int
load_password(struct proxy *proxy, const struct conf *conf, const struct instance *inst,
              struct strbuf *error)
{
    struct secret_place place = secret_place_new(conf, inst, PROXY_PASSWORD_FILE);
    struct strbuf text = strbuf_new(SECRET_FILE_MAX);
    int rc = secret_file_open(&place, &text, error);

    if (rc == 0)
        rc = take_password(proxy, place.path, strbuf_slice(&text), error);
    secret_wipe(&text);
    secret_place_free(&place);
    return rc;
}

int
proxy_load(struct proxy *proxy, const struct conf *conf, const struct instance *inst,
           struct strbuf *error)
{
    const char *type = conf_str(conf, PROXY_TYPE);
    bool is_v5 = strcmp(type, "socks5") == 0;

    *proxy = (struct proxy){.used = strcmp(type, "none") != 0,
                            .host = conf_str(conf, PROXY_HOST),
                            .port = (uint16_t)conf_u64(conf, PROXY_PORT)};
    proxy->socks.version = is_v5 ? SOCKS_5 : SOCKS_4;
    proxy->socks.user = conf_str(conf, PROXY_USER);
    proxy->socks.password = "";
    if (!proxy->used)
        return 0;
    if (proxy->host[0] == '\0') {
        (void)strbuf_printf(error, "proxy.type = %s needs proxy.host", type);
        return -1;
    }
    if (strlen(proxy->socks.user) > SOCKS_LOGIN_MAX) {
        (void)strbuf_printf(error, "proxy.user has more than %d bytes", SOCKS_LOGIN_MAX);
        return -1;
    }
    /* SOCKS 4 knows user names only */
    return is_v5 && proxy->socks.user[0] != '\0' ? load_password(proxy, conf, inst, error) : 0;
}

void
proxy_free(struct proxy *proxy)
{
    if (proxy->password != NULL)
        mem_wipe(proxy->password, strlen(proxy->password));
    xfree(&proxy->password);
}

static void
set_address(struct proxy *proxy, const void *bytes, size_t len)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)&proxy->socks.address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&proxy->socks.address;

    memset(&proxy->socks.address, 0, sizeof(proxy->socks.address));
    if (len == sizeof(v4->sin_addr)) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(proxy->port);
        memcpy(&v4->sin_addr, bytes, len);
        proxy->socks.address_len = sizeof(*v4);
    } else {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(proxy->port);
        memcpy(&v6->sin6_addr, bytes, sizeof(v6->sin6_addr));
        proxy->socks.address_len = sizeof(*v6);
    }
}

int
proxy_find(struct proxy *proxy, struct ipc_client *dns, int timeout_ms)
{
    static const struct {
        enum dns_rr rr;
        size_t len;
    } kinds[] = {{DNS_A, 4}, {DNS_AAAA, 16}};
    struct address_ip ip;

    if (address_ip_parse(slice_of(proxy->host), &ip) == 0) {
        set_address(proxy, ip.bytes, ip.len);
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct dnsd_answer answer;

        dnsd_call(dns, (uint16_t)kinds[i].rr, slice_of(proxy->host), timeout_ms, &answer);
        for (uint32_t k = 0; k < answer.count; k++) {
            if (answer.records[k].data.len != kinds[i].len)
                continue;
            set_address(proxy, answer.records[k].data.ptr, kinds[i].len);
            return 0;
        }
    }
    return -1;
}
