/*
 * lib/http/response.c - an HTTP/1.1 response with its content. No I/O.
 */
#include "lib/http/response.h"

#include <time.h>

static const char *
reason_of(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

/* IMF-fixdate (RFC 9110 section 5.6.7); strftime would follow the locale. */
static void
write_date(struct strbuf *out, int64_t now_s)
{
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t seconds = (time_t)now_s;
    struct tm tm;

    if (gmtime_r(&seconds, &tm) != NULL)
        (void)strbuf_printf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", days[tm.tm_wday],
                            tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                            tm.tm_sec);
}

void
http_response_write(struct strbuf *out, const struct http_response *response, int64_t now_s)
{
    (void)strbuf_printf(out, "HTTP/1.1 %u %s\r\n", response->status, reason_of(response->status));
    write_date(out, now_s);
    (void)strbuf_printf(out,
                        "Content-Type: %s\r\n"
                        "Content-Length: %zu\r\n"
                        "Cache-Control: no-store\r\n"
                        "X-Content-Type-Options: nosniff\r\n"
                        "Connection: %s\r\n",
                        response->type, response->content.len,
                        response->keeps_alive ? "keep-alive" : "close");
    if (response->extra != NULL)
        (void)strbuf_str(out, response->extra);
    (void)strbuf_str(out, "\r\n");
    if (!response->head_only)
        (void)strbuf_append(out, response->content);
}
