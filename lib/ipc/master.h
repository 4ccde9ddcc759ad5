/*
 * lib/ipc/master.h - what the command line asks master. Socket run/master.sock, root or the owner
 * of the suite only, who goes by the uid that the kernel tells; alertd (users.alert) may ask for
 * the status.
 */
#ifndef POSTHORN_LIB_IPC_MASTER_H
#define POSTHORN_LIB_IPC_MASTER_H

#include "lib/ipc/frame.h"
#include "lib/ipc/object.h"

#define MASTER_SOCKET "master.sock"
#define MASTER_LOCK "master.lock"     /* held by the running master; its text is the pid */
#define INSTANCE_LOCK "instance.lock" /* in queue/: held while any process of the suite lives */
#define MASTER_NAME_MAX 64
#define MASTER_TEXT_MAX 8192
#define MASTER_DATA_MAX (256u << 10)
#define MASTER_PAYLOAD_MAX (512u << 10)

/* In texts, with the port. Master may not look into other processes and cannot tell by whom; the
 * command that shows the text, run by the administrator, can, and puts the name there. */
#define MASTER_PORT_IN_USE "port %u is in use by " MASTER_SOMEBODY
#define MASTER_SOMEBODY "another process"

enum master_type { MASTER_REQUEST = 1, MASTER_REPLY };

/* Verbs: "status": one object for each service. "settle": answers when every service runs or has
 * failed. "reload": answers when the new configuration is in force (though some
 * services may not run with it: MASTER_PARTLY) or refused. "stop": answers at
 * once, the suite then ends. "service-start", "service-stop", "service-restart" with a name: answer
 * when it is done. */
struct master_request {
    struct slice verb, name;
};
enum master_result {
    MASTER_DONE,
    MASTER_REFUSED, /* nothing has changed */
    MASTER_PARTLY   /* it is done; not every service that should run does, or not as it should */
};
struct master_reply {
    uint32_t result;   /* enum master_result */
    struct slice text; /* what went wrong, one or more lines */
    struct slice data; /* status, and MASTER_PARTLY: objects (lib/ipc/object.h) */
};
int master_request_encode(struct strbuf *out, const struct master_request *request);
int master_request_decode(struct slice payload, struct master_request *request);
int master_reply_encode(struct strbuf *out, uint32_t id, const struct master_reply *reply);
int master_reply_decode(struct slice payload, struct master_reply *reply);

#endif
