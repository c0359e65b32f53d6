/* See replies.h. */
#include "config.h"

#include "ctl/replies.h"

#include "ctl/command.h"

#include <stdio.h>
#include <stdlib.h>

/* 0, or -1 when the line is no object with a reply. */
static int from_object(const char *line, size_t length, json_t **object_r,
                       struct classify_input *input)
{
    json_t *object = json_loadb(line, length, JSON_ALLOW_NUL, NULL);
    json_t *reply = json_object_get(object, "reply");

    *object_r = object;
    if (!json_is_string(reply))
        return -1;
    input->text = json_string_value(reply);
    input->length = json_string_length(reply);
    input->status = json_string_value(json_object_get(object, "status"));
    input->mta = json_string_value(json_object_get(object, "mta"));
    input->domain = json_string_value(json_object_get(object, "domain"));
    return 0;
}

static int one_line(const char *line, size_t length, reply_taker *take, void *context)
{
    struct classify_input input = {.text = line, .length = length};
    json_t *object = NULL;
    int result = 0;

    /* A line that is no JSON after all is a reply that begins with a brace. */
    if (*line == '{' && from_object(line, length, &object, &input) < 0 && object)
        result = -1;
    take(context, &input, json_object_get(object, "id"));
    json_decref(object);
    return result;
}

int replies_each(const char *command, reply_taker *take, void *context)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    int number = 0, code = EXIT_YES;

    while ((length = getline(&line, &size, stdin)) >= 0) {
        number++;
        while (length && (line[length - 1] == '\n' || line[length - 1] == '\r'))
            line[--length] = 0;
        if (one_line(line, (size_t)length, take, context) < 0)
            code = ctl_fail(command, EXIT_USAGE, "line %d: there is no \"reply\"", number);
    }
    free(line);
    if (ferror(stdin))
        return ctl_fail(command, EXIT_FAILED, "input failed");
    return code;
}
