"""Puts what stdin holds into a storage, by the provider's own client where there is one.

fill.py s3|azure|google PORT BUCKET KEY [COUNT]

COUNT: so many times, with `%04d` in the key. `sas` for KEY prints a signature that lets
read for an hour, and `expired` one that did.
"""

import datetime
import sys
import urllib.parse
import urllib.request

KIND, PORT, BUCKET, KEY = sys.argv[1:5]
COUNT = int(sys.argv[5]) if len(sys.argv) > 5 else None
DATA = sys.stdin.buffer.read()
KEYS = [KEY] if COUNT is None else [KEY % number for number in range(COUNT)]
ENDPOINT = f"http://127.0.0.1:{PORT}"

# Azurite has it built in, for everybody to know.
ACCOUNT = "devstoreaccount1"
ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)


def s3():
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=ENDPOINT,
        aws_access_key_id="key",
        aws_secret_access_key="s3cret",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket=BUCKET)
    for key in KEYS:
        client.put_object(Bucket=BUCKET, Key=key, Body=DATA)


def azure():
    from azure.core.exceptions import ResourceExistsError
    from azure.storage.blob import (
        AccountSasPermissions,
        BlobServiceClient,
        ResourceTypes,
        generate_account_sas,
    )

    if KEY in ("sas", "expired"):
        hours = 1 if KEY == "sas" else -1
        now = datetime.datetime.now(datetime.timezone.utc)
        print(
            generate_account_sas(
                ACCOUNT,
                ACCOUNT_KEY,
                ResourceTypes(service=True, container=True, object=True),
                AccountSasPermissions(read=True, list=True),
                now + datetime.timedelta(hours=hours),
                start=now - datetime.timedelta(hours=2),
            )
        )
        return
    client = BlobServiceClient(
        f"{ENDPOINT}/{ACCOUNT}",
        credential={"account_name": ACCOUNT, "account_key": ACCOUNT_KEY},
    )
    try:
        client.create_container(BUCKET)
    except ResourceExistsError:
        pass
    for key in KEYS:
        client.get_blob_client(BUCKET, key).upload_blob(DATA, overwrite=True)


def google():
    for key in KEYS:
        name = urllib.parse.quote(key, safe="")
        url = f"{ENDPOINT}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={name}"
        urllib.request.urlopen(urllib.request.Request(url, data=DATA, method="POST")).read()


{"s3": s3, "azure": azure, "google": google}[KIND]()
