/*
 * posthorn/doctor_firewall.c - `doctor`: does the host's firewall know of blocked addresses, where
 * guess.firewall says that it shall?
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "lib/base/io.h"
#include "lib/ipc/blockd.h"
#include "lib/ipc/client.h"
#include "posthorn/doctor.h"

enum { ASK_MS = 5000, FRAME_MAX = 64 };

static void
note_state(struct doctor *d, const struct blockd_state *state)
{
    switch ((enum blockd_condition)state->condition) {
    case BLOCKD_ON:
        if (state->lost > 0)
            doctor_note(d, DOCTOR_WARN, "firewall",
                        "%u blocked addresses are in it, for %llu there was no room: the services "
                        "refuse those",
                        state->addresses, (unsigned long long)state->lost);
        else
            doctor_note(d, DOCTOR_OK, "firewall", "%u blocked addresses are in it",
                        state->addresses);
        break;
    case BLOCKD_FAILED:
        doctor_note(d, DOCTOR_FAIL, "firewall",
                    "it does not take blocked addresses, the services alone refuse them: %.*s",
                    (int)state->why.len, state->why.ptr);
        break;
    case BLOCKD_OFF:
        doctor_note(d, DOCTOR_WARN, "firewall",
                    "guess.firewall is on in the configuration only; the commands are: posthorn "
                    "stop, posthorn start");
        break;
    case BLOCKD_WAITING:
        doctor_note(d, DOCTOR_WARN, "firewall", "authd has not told blockd which are blocked");
        break;
    }
}

static int
ask(struct ipc_client *client, struct ipc_reply *answer, struct blockd_state *state)
{
    struct strbuf frame = strbuf_new(FRAME_MAX);
    int rc = blockd_status_encode(&frame);

    if (rc == 0)
        rc = ipc_client_call(client, &frame, -1, ASK_MS, answer);
    close_keep_errno(answer->fd);
    strbuf_free(&frame);
    if (rc < 0)
        return -1;
    errno = EPROTO;
    return answer->type != BLOCKD_STATE ? -1 : blockd_state_decode(answer->payload, state);
}

void
doctor_firewall(struct doctor *d)
{
    struct ipc_reply answer = {.fd = -1};
    struct blockd_state state;
    struct ipc_client *client;
    int run_dirfd;

    if (!conf_bool(d->conf, GUESS_FIREWALL) || !d->running)
        return;
    run_dirfd = open(d->cli->inst.run, O_PATH | O_DIRECTORY | O_CLOEXEC);
    client = ipc_client_new(run_dirfd, BLOCKD_SOCKET, BLOCKD_PAYLOAD_MAX);
    if (ask(client, &answer, &state) < 0)
        doctor_note(d, DOCTOR_FAIL, "firewall",
                    "blockd does not answer: %s; is its section in services.conf, see blockd(8)?",
                    strerror(errno));
    else
        note_state(d, &state);
    ipc_client_free(&client);
    close_keep_errno(run_dirfd);
}
