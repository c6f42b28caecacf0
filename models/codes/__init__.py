"""What the codes of recordings tell: how they are used, how long, and what they mean.

spoken        all that codes tell by themselves
usage         entropy and perplexity of counts
jackknife     intervals over subjects for what grows with their number
lasting       how long codes last
meaning       which behaviour each code stands for, judged on other subjects
principal     the codebook's vectors seen from where they spread most
order         rows side by side that resemble each other
groups        codes gathered into clusters, and what each cluster is
"""
