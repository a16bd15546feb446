"""Made-up documents of the kinds people have, as strings; the tests write and read them."""

MARKDOWN = """---
title: "The Tide Mill at Corran"
author: [Ada Finch, Tom Reed]
date: 3 March 2019
tags:
  - mills
---

# Corran: a mill that runs on the moon

The mill at Corran has ground barley since 1642. It works twice a day.

## How it works

Water fills the pond at high tide. The miller shuts the gate.

```
# not a heading

gate = shut
```

## Visitors

- Open on Sundays
- Closed in January
"""

PRESS = """Harbour Town Votes to Keep Its Last Ferry

By Maria Søndergaard
12 May 2020

Residents turned out in numbers not seen for a generation.

The ferry that links Harbour Town to the mainland will run for at least ten more years, after \
islanders voted by 812 to 97 to raise the harbour toll. “We have no bridge,” said Jens Holm, who \
has steered the boat since 1988. “We have a boat.”

Opponents had argued that the toll would fall on the young. Dr. Anne P. Lund of the island school \
called the result “a relief.” She expects the next class to have 14 pupils, two more than this \
year, and says that three families have asked about houses near the quay since the vote.

Maria Søndergaard is a reporter covering the islands.

Photo credit:\u00a0Lars Bech/Reuters

Subscribe to our newsletter for more island stories.

© 2020 The Harbour Post. All rights reserved.
"""

WINDOWS = """The Café on Rue Noire\r
\r
“It’s naïve,” said Zoë, “to ask £5 for tea – or €6.”\r
\r
The owner, Mr. Müller, has not changed the menu since 1974…\r
"""

UNTITLED = """the keys are under the third pot.

the dog eats at six, and not before, whatever she tells you about it with her eyes.
"""
