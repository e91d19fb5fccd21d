#include "tools/output_options.h"

#include "dagrad/core/error.h"
#include "tools/option_checks.h"

namespace dagrad::tools {

void describe(OutputOptions& o, OptionList& list) {
  list.add("save", o.save, "FILE",
           "the trained model, as .safetensors, with its options beside it as .ini for --config")
      .add("checkpoint", o.checkpoint, "FILE", "write everything that is needed to go on, after epochs and on Ctrl-C")
      .add("checkpoint-every", o.checkpoint_every, "E", "so many epochs apart")
      .add("resume", o.resume, "FILE", "go on from such a file, with the same options, and keep writing it")
      .add("json", o.json, "FILE", "one JSON object an epoch and a last one; - is stdout")
      .add("report", o.report, "FILE", "an HTML page with the curves, or none")
      .add("tensorboard", o.tensorboard, "DIR", "event files for TensorBoard: curves, weights, the graph")
      .add("dry-run", o.dry_run, "print the model, the data and the memory they take; train nothing")
      .add("quiet,q", o.quiet, "no progress");
}

void check(const OutputOptions& o) {
  check_at_least("checkpoint-every", o.checkpoint_every, 1);
  if (o.checkpoint_every > 1 && o.checkpoint_file().empty())
    throw UsageError("--checkpoint-every: without --checkpoint it means nothing");
}

}  // namespace dagrad::tools
