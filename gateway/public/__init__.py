"""
The public check: anybody who holds a certificate asks whether it was issued here and still stands.

No session, no cookie, no script, nothing from elsewhere. It tells what RCEP Article 3.17.7 lets a secured
website tell (number, date, exporter, HS codes, descriptions, quantities) and where the certificate stands;
no price, no consignee, no producer. What was never issued here is answered alike, whatever was asked.
"""
