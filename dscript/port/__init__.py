"""`dscript port`: whether D scripts of other systems run here, and if not, why.

A file is read for the D programs in it (`programs`, `shell`, `perl`), each is checked by the
compiler as for a run that never starts (`survey`), what is wrong is explained by the data of
`stdlib/port` (`foreign`, `advice`) and where that is mechanical rewritten (`rewrite`).  `judge`
puts these together for a file, `crowd` for many, `report` says it.
"""
