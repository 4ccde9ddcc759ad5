/*
 * fuzz/fuzz_frame.c - what another process of ours may send: frames and log datagrams.
 *
 * The first byte chooses: a stream of frames through the inbox (over a real socket pair, in
 * pieces), an object list, master's own messages, a log datagram, or a value for the log line
 * encoder whose output must hold no line break and no quote that is not ours.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/ipc/authd.h"
#include "lib/ipc/authd_password.h"
#include "lib/ipc/local_deliver.h"
#include "lib/ipc/master.h"
#include "lib/ipc/object.h"
#include "lib/ipc/socket.h"
#include "lib/log/line.h"

#define PAYLOAD_MAX 4096

static void
read_fields(struct slice payload)
{
    struct reader r = reader_begin(payload);

    while (!r.failed && r.rest.len > 0) {
        switch (r.rest.ptr[0]) {
        case 'B':
            (void)reader_u8(&r);
            break;
        case 'H':
            (void)reader_u16(&r);
            break;
        case 'W':
            (void)reader_count(&r, 1000);
            break;
        case 'Q':
            (void)reader_u64(&r);
            break;
        default:
            (void)reader_bytes(&r, 1000);
            break;
        }
    }
    (void)reader_end(&r);
}

static void
run_inbox(struct slice input)
{
    struct ipc_inbox inbox = ipc_inbox_new(PAYLOAD_MAX);
    enum ipc_inbox_status status = IPC_INBOX_WAIT;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        abort();
    while (input.len > 0 && status != IPC_INBOX_BAD) {
        size_t piece = 1 + (unsigned char)input.ptr[0] % 37;

        if (piece > input.len)
            piece = input.len;
        if (write(pair[1], input.ptr, piece) != (ssize_t)piece)
            abort();
        input = slice_sub(input, piece, input.len);
        while ((status = ipc_inbox_read(&inbox, pair[0])) == IPC_INBOX_FRAME)
            read_fields(strbuf_slice(&inbox.payload));
    }
    (void)close(pair[0]);
    (void)close(pair[1]);
    ipc_inbox_free(&inbox);
}

static void
run_objects(struct slice input)
{
    static struct object_field fields[OBJECT_FIELDS_MAX];
    int count;

    while ((count = object_next(&input, fields)) != 0)
        if (count > 0)
            (void)object_get(fields, (uint32_t)count, "name");
        else if (object_skip(&input) < 0)
            break;
}

static void
run_master(struct slice input)
{
    struct master_request request;
    struct master_reply reply;

    (void)master_request_decode(input, &request);
    (void)master_reply_decode(input, &reply);
}

static void
run_datagram(struct slice input)
{
    struct slice service, lines;

    if (log_datagram_split(input, &service, &lines) == 0)
        assert_always(log_service_valid(service) && lines.len > 0);
}

/* One line, one pair: counted by the quotes and line ends that are not escaped. */
static void
run_line(struct slice input)
{
    struct strbuf out = strbuf_new(LOG_DATAGRAM_MAX);
    struct log_origin origin = {.program = "fuzz", .pid = 1};
    const struct log_kv pairs[] = {KV_SLICE("k", input), KV_STR("last", "x"), KV_END};
    size_t quotes = 0;

    if (log_line_encode(&out, 0, &origin, LOG_INFO, "e", pairs)) {
        assert_always(strbuf_ends_with(&out, "\n"));
        for (size_t i = 0; i < out.len; i++) {
            unsigned char c = (unsigned char)out.ptr[i];

            assert_always((c >= 0x20 && c != 0x7f) || i + 1 == out.len);
            if (c == '\\')
                i++;
            else if (c == '"')
                quotes++;
        }
        assert_always(quotes == 0 || quotes == 2);
    }
    strbuf_free(&out);
}

/* What a session tells authd, and authd local-deliver. */
static void
run_charge(struct slice input)
{
    struct store_ctl_reply reply;
    struct authd_charged charged;
    struct authd_charge charge;
    struct authd_url_reply granted;
    struct store_url url;
    struct authd_folder_change change;
    struct authd_folder_changed changed;
    struct authd_password password;
    struct authd_password_reply answered;
    struct store_ctl ctl;

    (void)authd_charge_decode(input, &charge);
    (void)authd_charged_decode(input, &charged);
    (void)authd_folder_changed_decode(input, &changed);
    if (authd_folder_change_decode(input, &change) == 0)
        assert_always(change.op <= AUTHD_FOLDER_RENAME && change.name.len > 0);
    if (authd_password_decode(input, &password) == 0)
        assert_always(password.old.len <= AUTHD_PASSWORD_BYTES_MAX);
    if (authd_password_reply_decode(input, &answered) == 0)
        assert_always(answered.result <= AUTHD_PASSWORD_LATER);
    (void)store_ctl_reply_decode(input, &reply);
    (void)authd_url_reply_decode(input, &granted);
    if (store_url_decode(input, &url) == 0)
        assert_always(url.reader.len > 0 && (url.path.len == 0 || store_path_valid(url.path)));
    if (store_ctl_decode(input, &ctl) == 0)
        assert_always(ctl.charge.bytes <= STORE_CHARGE_MAX &&
                      ctl.charge.messages >= -STORE_CHARGE_MAX && store_path_valid(ctl.path));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const runs[])(struct slice) = {run_inbox,    run_objects, run_master,
                                                 run_datagram, run_line,    run_charge};

    if (size > 0 && size <= 65536)
        runs[data[0] % ARRAY_LEN(runs)](slice_make(data + 1, size - 1));
    return 0;
}
