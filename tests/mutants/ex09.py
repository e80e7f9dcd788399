"""Wrong and right answers to exercise 9."""

from exercise import Right, Wrong

HAND = """
p = my_share / 100
(cat, cat_ball), (dog, dog_ball) = my_right
shelter = (p * cat + (1 - p) * cat_ball + p * dog_ball + (1 - p) * dog) / 2
turned = ((1 - p) * cat + p * cat_ball + (1 - p) * dog_ball + p * dog) / 2
in_the_shelter = {shelter}
by_a_coin = {coin}
the_other_way_round = {turned}
"""


def hand(**other):
    return {"by_hand": HAND.format(**(dict(shelter="shelter", coin="my_right.mean()", turned="turned") | other))}


def table(value="(says[group] == label).mean()", group="(labels == label) & (has_ball == ball)", start="np.nan", ask="group.any()",
          result="table", place="label, ball"):
    return {"shortcut_table": f"""
def shortcut_table(says, labels, has_ball):
    table = np.full((2, 2), {start})
    for label in (0, 1):
        for ball in (0, 1):
            group = {group}
            if {ask}:
                table[{place}] = {value}
    return {result}
"""}


def effects(result="[score(np.where(r, other, one)) - score(one) for r in regions]"):
    return {"effects": f"def effects(score, one, other, regions):\n    return np.array({result})\n"}


def letters(text):
    return {"reading": f"justified = {text!r}"}


WRONG = [
    Wrong("shelter: unweighed", hand(shelter="my_right.mean()"), {"in_the_shelter_test": "weigh them"}),
    Wrong("shelter: balls exchanged", hand(shelter="turned"), {"in_the_shelter_test": "cats with a ball are few"}),
    Wrong("shelter: dogs only", hand(shelter="p * dog_ball + (1 - p) * dog"), {"in_the_shelter_test": "the dogs only"}),
    Wrong("shelter: a fraction", hand(shelter="shelter / 100"), {"in_the_shelter_test": "in percent"}),
    Wrong("shelter: cats only", hand(shelter="p * cat + (1 - p) * cat_ball"), {"in_the_shelter_test": "the cats only"}),
    Wrong("shelter: nothing", hand(shelter="None"), {"in_the_shelter_test": "nothing was given yet"}),
    Wrong("shelter: a text", hand(shelter="'94 %'"), {"in_the_shelter_test": "give one number"}),
    Wrong("coin: all four", hand(coin="my_right"), {"by_a_coin_test": "give one number"}),
    Wrong("round: the shelter", hand(turned="shelter"), {"the_other_way_round_test": "share in the shelter"}),
    Wrong("round: a fraction", hand(turned="turned / 100"), {"the_other_way_round_test": "in percent"}),
    Wrong("coin: the shelter", hand(coin="shelter"), {"by_a_coin_test": "share in the shelter"}),
    Wrong("coin: a sum", hand(coin="my_right.sum()"), {"by_a_coin_test": "not added up"}),
    Wrong("round: 100 less", hand(turned="100 - shelter"), {"the_other_way_round_test": "ask each group"}),
    Wrong("round: the coin", hand(turned="my_right.mean()"), {"the_other_way_round_test": "by a coin"}),
    Wrong("table: transposed", table(place="ball, label"), {"shortcut_table_test": "rows and columns were exchanged"}),
    Wrong("table: columns exchanged", table(place="label, 1 - ball"), {"shortcut_table_test": "with a ball is column 1"}),
    Wrong("table: rows exchanged", table(place="1 - label, ball"), {"shortcut_table_test": "cats are row 0"}),
    Wrong("table: says dog", table("says[group].mean()"), {"shortcut_table_test": "the share that says dog"}),
    Wrong("table: counted", table("(says[group] == label).sum()"), {"shortcut_table_test": "those are numbers of pictures"}),
    Wrong("table: share of all", table("((says == label) & group).mean()"), {"shortcut_table_test": "not by all pictures"}),
    Wrong("table: share of the label", table("((says == label) & group).sum() / (labels == label).sum()"), {"shortcut_table_test": "not by all of that label"}),
    Wrong("table: grouped by the answer", table("(labels[group] == label).mean()", "(says == label) & (has_ball == ball)"), {"shortcut_table_test": "group by what is true"}),
    Wrong("table: nobody is wrong", table(start="0.0"), {"shortcut_table_test": "isn't wrong, it's unknown"}),
    Wrong("table: nobody is right", table(start="1.0"), {"shortcut_table_test": "isn't right, it's unknown"}),
    Wrong("table: one number", table(result="(says == labels).mean()"), {"shortcut_table_test": "expected (2, 2)"}),
    Wrong("effects: scores", effects("[score(np.where(r, other, one)) for r in regions]"), {"effects_test": "example: those are the scores"}),
    Wrong("effects: sign", effects("[score(one) - score(np.where(r, other, one)) for r in regions]"), {"effects_test": "example: by how much the score falls"}),
    Wrong("effects: complement", effects("[score(np.where(r, one, other)) - score(one) for r in regions]"), {"effects_test": "example: that exchanges everything but the region"}),
    Wrong("effects: in the other picture", effects("[score(other) - score(np.where(r, one, other)) for r in regions]"), {"effects_test": "example: exchange the region in `one`"}),
    Wrong("effects: black", effects("[score(np.where(r, 0, one)) - score(one) for r in regions]"), {"effects_test": "example: the region was painted black"}),
    Wrong("effects: piled", {"effects": """
def effects(score, one, other, regions):
    found, left = [], one
    for r in regions:
        new = np.where(r, other, left)
        found.append(score(new) - score(left))
        left = new
    return found
"""}, {"effects_test": "example: what was exchanged before stayed exchanged"}),
    Wrong("effects: the largest only", effects("max(score(np.where(r, other, one)) - score(one) for r in regions)"), {"effects_test": "one number per region"}),
    Wrong("held out is no proof", letters("ABDE"), {"reading_test": "not these"}),
    Wrong("all letters", letters("ABCDE"), {"reading_test": "not these"}),
    Wrong("words", letters("only B"), {"reading_test": "letters from A to E"}),
    Wrong("the control taken for a fault", letters("BD"), {"reading_test": "not these"}),
    Wrong("an empty text", letters(""), {"reading_test": "letters from A to E"}),
    Wrong("not answered", {"reading": "justified = None"}, {"reading_test": "nothing was given yet"}),
]

RIGHT = [
    Right("one decimal", hand(shelter="round(float(shelter), 1)", coin="round(float(my_right.mean()), 1)", turned="round(float(turned), 1)")),
    Right("one number in an array", hand(coin="my_right.mean(keepdims=True)[0]")),
    Right("the mean of nobody, with a warning", table(ask="True")),
    Right("a quiet mean of nobody", {"shortcut_table": """
import warnings

def shortcut_table(says, labels, has_ball):
    def share(label, ball):
        group = [s == l for s, l, b in zip(says, labels, has_ball) if l == label and b == ball]
        return sum(group) / len(group) if len(group) > 0 else np.nan
    return np.array([[share(label, ball) for ball in (False, True)] for label in (0, 1)])
"""}),
    Right("counted in bins", {"shortcut_table": """
def shortcut_table(says, labels, has_ball):
    group = 2 * labels + has_ball
    seen = np.bincount(group, minlength=4)
    right = np.bincount(group, weights=says == labels, minlength=4)
    return np.divide(right, seen, out=np.full(4, np.nan), where=seen > 0).reshape(2, 2)
"""}),
    Right("effects in a list", effects("list(score(one * ~r + other * r) - score(one) for r in regions)")),
    Right("letters with blanks", letters("b d e")),
]
