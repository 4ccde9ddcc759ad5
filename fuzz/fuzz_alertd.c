/*
 * fuzz/fuzz_alertd.c - what alertd reads: events, orders, accountd's answers, its own table, URLs;
 * the first byte chooses.
 */
#include <stdint.h>
#include <stdlib.h>

// LINK: alertd/alerts.c

#include "alertd/alerts.h"
#include "lib/http/web_url.h"
#include "lib/ipc/accountd_addressees.h"
#include "lib/ipc/accountd_expiring.h"
#include "lib/ipc/accountd_greet.h"
#include "lib/ipc/alertd.h"
#include "lib/ipc/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read, printed, and read again, is the same. */
static void
read_table(struct slice text)
{
    static const char *const ways[] = {"mail", "https://a.test/"};
    struct alerts *a = alerts_new(ways, 2), *b = alerts_new(ways, 2);
    struct strbuf once = strbuf_new(ALERTS_FILE_MAX), twice = strbuf_new(ALERTS_FILE_MAX);

    (void)alerts_read(a, text);
    alerts_print(a, &once);
    if (alerts_read(b, strbuf_slice(&once)) > 0)
        abort();
    alerts_print(b, &twice);
    if (!slice_eq(strbuf_slice(&once), strbuf_slice(&twice)))
        abort();
    strbuf_free(&once);
    strbuf_free(&twice);
    alerts_free(&a);
    alerts_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct slice items[ACCOUNTD_ADDRESSEES_MAX];
    struct slice payload = slice_make(data + 1, size > 0 ? size - 1 : 0);
    union {
        struct event event;
        struct alertd_control control;
        struct alertd_broadcast broadcast;
        struct alertd_reply reply;
        struct accountd_expiring expiring;
        struct accountd_expiring_reply expiring_reply;
        struct accountd_addressees addressees;
        struct accountd_addressees_reply addressees_reply;
        struct accountd_greet greet;
        struct accountd_greet_reply greet_reply;
        struct web_url url;
    } u;

    if (size == 0)
        return 0;
    switch (data[0] % 12) {
    case 0:
        (void)event_decode(payload, &u.event);
        break;
    case 1:
        (void)alertd_control_decode(payload, &u.control);
        break;
    case 2:
        (void)alertd_broadcast_decode(payload, &u.broadcast);
        break;
    case 3:
        (void)alertd_reply_decode(payload, &u.reply);
        break;
    case 4:
        (void)accountd_expiring_decode(payload, &u.expiring);
        break;
    case 5:
        (void)accountd_expiring_reply_decode(payload, &u.expiring_reply);
        break;
    case 6:
        (void)accountd_addressees_decode(payload, &u.addressees);
        break;
    case 7:
        (void)accountd_addressees_reply_decode(payload, &u.addressees_reply, items);
        break;
    case 9:
        (void)accountd_greet_decode(payload, &u.greet);
        break;
    case 10:
        (void)accountd_greet_reply_decode(payload, &u.greet_reply);
        break;
    case 8:
        (void)web_url_parse(payload, &u.url);
        break;
    default:
        read_table(payload);
    }
    return 0;
}
