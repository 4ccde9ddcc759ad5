/*
 * fuzz/fuzz_queue_manager.c - the frames of the queue manager's socket; the first byte chooses one.
 */
#include <stdint.h>

#include "lib/ipc/queue_manager.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
try_job(struct slice payload)
{
    struct queue_job job;

    if (queue_job_decode(payload, &job) == 0)
        queue_job_free(&job);
}

static void
try_result(struct slice payload)
{
    struct queue_result result;

    if (queue_result_decode(payload, &result) == 0)
        queue_result_free(&result);
}

static void
try_rest(struct slice payload)
{
    struct queue_hello hello;
    struct queue_control control;
    struct queue_control_reply reply;
    struct queue_customer customer;
    struct queue_connection connection;
    struct queue_fetch_reply fetched;
    struct slice domains;

    (void)queue_hello_decode(payload, &hello); /* any verdict will do: it must only come to one */
    (void)queue_control_decode(payload, &control);
    (void)queue_control_reply_decode(payload, &reply);
    (void)queue_customer_decode(payload, &customer);
    (void)queue_fetch_decode(payload, &domains);
    (void)queue_fetch_reply_decode(payload, &fetched);
    (void)queue_connection_decode(payload, &connection);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const tries[])(struct slice payload) = {try_job, try_result, try_rest};

    if (size > 0)
        tries[data[0] % 3](slice_make(data + 1, size - 1));
    return 0;
}
