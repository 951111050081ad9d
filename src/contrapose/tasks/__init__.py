"""What `evaluate` can measure; the first task that fits is taken, in this order."""

from contrapose.tasks.attacks import Attacks, check_one_task
from contrapose.tasks.bias import BIAS
from contrapose.tasks.choosing import task_for
from contrapose.tasks.classification import CLASSIFICATION
from contrapose.tasks.corruptions import CORRUPTIONS_TASK
from contrapose.tasks.dense import DENSE
from contrapose.tasks.given import Given, OfClassifier, Targets
from contrapose.tasks.labelled import LABELLED_TABLE
from contrapose.tasks.nested_svm import NESTED_SVM
from contrapose.tasks.one_shot import ONE_SHOT
from contrapose.tasks.outliers import OUTLIERS
from contrapose.tasks.pair_retrieval import PAIR_RETRIEVAL
from contrapose.tasks.paired_search import PAIRED_SEARCH
from contrapose.tasks.paraphrases import PARAPHRASES
from contrapose.tasks.prompts import PROMPTS
from contrapose.tasks.ranking import RANKING
from contrapose.tasks.regression import REGRESSION
from contrapose.tasks.renaming import RENAMING
from contrapose.tasks.review import Review, Saved
from contrapose.tasks.robust import ROBUST
from contrapose.tasks.robustness_table import ROBUSTNESS_TABLE
from contrapose.tasks.scored_pairs import SCORED_PAIRS
from contrapose.tasks.task import TASKS, Measurement, Task
from contrapose.tasks.zero_shot import ZERO_SHOT

for _task in (
    ONE_SHOT,
    RANKING,
    ZERO_SHOT,
    PROMPTS,
    PAIR_RETRIEVAL,
    ROBUST,
    OUTLIERS,
    BIAS,
    CLASSIFICATION,
    SCORED_PAIRS,
    PARAPHRASES,
    REGRESSION,
    DENSE,
    NESTED_SVM,
    LABELLED_TABLE,
    PAIRED_SEARCH,
    RENAMING,
    CORRUPTIONS_TASK,
    ROBUSTNESS_TABLE,
):
    TASKS.register(_task.name)(_task)

__all__ = [
    "TASKS",
    "Attacks",
    "Given",
    "Measurement",
    "OfClassifier",
    "Review",
    "Saved",
    "Targets",
    "Task",
    "check_one_task",
    "task_for",
]
