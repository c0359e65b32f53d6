/* What an MTA asks at a gate, whichever protocol it asks by.
 *
 * Plain structs without behaviour, but for their end. The answer is one line
 * of text, or none: "we have nothing to say, go on as if we were not there".
 */
#ifndef SUPPRESSD_DAEMON_GATE_QUESTION_H
#define SUPPRESSD_DAEMON_GATE_QUESTION_H

enum question_kind {
    QUESTION_NONE,        /* not understood or not for us: has no answer */
    QUESTION_TRANSPORT,   /* may mail go to text? answered as transport(5) has it: "error:5.1.1 ..." */
    QUESTION_ACCESS,      /* the same, answered as access(5) has it: "550 5.1.1 ..." */
    QUESTION_SUBMISSION,  /* the same, if sender and client say that the mail is being sent from here */
    QUESTION_STATUS       /* what is to be logged instead of text, "5.7.1 host mx.example said: 550 ..." */
};

/* Strings are owned, and NULL where the protocol has none. */
struct question {
    enum question_kind kind;
    char *text;        /* an address, or a delivery status */
    char *sender;      /* envelope sender, "" the null sender */
    char *client;      /* the client's IP address */
    int authenticated; /* the client logged in */
};

void question_clear(struct question *question); /* frees its strings, zeroes it */

#endif
